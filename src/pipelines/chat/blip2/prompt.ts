/** What BLIP-2 and InstructBLIP are asked, in the words of those who trained them. */
import { DuetError } from '../../../core/errors.ts';
import type { VokenVocabulary } from '../../../vokens/index.ts';
import { checkDialogue, type DialogueText, type InterleavedMessage, partsOf } from '../dialogue.ts';

/** What InstructBLIP, which knows no picture without an instruction, is told for one (arXiv 2305.06500, appendix E). */
const describe = 'A short image description.';

const isWritten = (words: string) => words.startsWith('Question:') && words.endsWith('Answer:');
const asked = (words: string) => (isWritten(words) ? words : `Question: ${words} Answer:`);

/**
 * The prompt, in front of which the picture stands. BLIP-2 reads `Question: ... Answer:`, with earlier exchanges in front of it
 * (arXiv 2301.12597, section 4.1; its example of a dialogue), and goes on without any words where it is asked nothing: it writes a
 * caption. InstructBLIP reads what it is told, and a dialogue as BLIP-2 does. Words that have BLIP-2's form already stay as they are.
 * @throws DuetError 'invalid-argument' as `checkDialogue` does, for more than one picture, and for messages without words
 */
export function blip2Prompt(
  messages: readonly InterleavedMessage[],
  { instructed, vocabulary }: { readonly instructed: boolean; readonly vocabulary: VokenVocabulary },
): DialogueText {
  const images = checkDialogue(messages, vocabulary);
  if (images.length > 1) {
    throw refused(`This model looks at one picture, got ${images.length}: begin a new dialogue for another one`);
  }
  const system = messages.filter(({ role }) => role === 'system').map(wordsOf);
  const turns = messages.filter(({ role }) => role !== 'system');
  const earlier = turns.slice(0, -1).map(message => {
    const words = wordsOf(message);
    if (words === '')
      throw refused('Earlier messages of a dialogue need words: this model reads them as questions and answers');
    return message.role === 'user' ? asked(words) : ended(words);
  });
  const last = wordsOf(turns.at(-1)!); // checkDialogue knows that it is there
  if (last === '' && (earlier.length > 0 || images.length === 0)) throw refused('The last message needs words');
  const own = instructed && earlier.length === 0 ? last || describe : last && asked(last);
  return { text: [...system, ...earlier, own].filter(Boolean).join(' '), images, picturesFirst: true };
}

function wordsOf({ content }: InterleavedMessage): string {
  return partsOf(content)
    .flatMap(part => (part.type === 'text' ? [part.text] : []))
    .join(' ')
    .trim();
}

function ended(answer: string): string {
  return /[.!?]$/.test(answer) ? answer : `${answer}.`;
}

function refused(message: string): DuetError {
  return new DuetError('invalid-argument', message, { field: 'messages' });
}
