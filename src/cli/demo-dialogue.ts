/** The dialogue of the demonstration: pictures are asked for, changed, understood and told in a story. */
import type { Picture } from '../image/index.ts';
import type { ContentPart, InterleavedMessage, Pipeline, RunControls } from '../pipelines/index.ts';

/** Words, and pictures that were drawn here. */
export type DemoPart = Extract<ContentPart, { type: 'text' }> | { readonly type: 'image'; readonly image: Picture };

export interface DemoMessage extends InterleavedMessage {
  readonly content: readonly DemoPart[];
}

/** What is said, each with the answers before it in mind. */
const said: readonly { readonly text: string; readonly isAboutGiven?: boolean }[] = [
  { text: 'Can you show me two foxes?' },
  { text: 'Make it blue.' },
  { text: 'Now three of them.' },
  { text: 'What is in this picture?', isAboutGiven: true },
  { text: 'What color is the background?' },
  { text: 'Tell me a story about a panda.' },
];

export const dialogueTurns = said.length;

/**
 * The messages of both sides, as they come.
 * @param given a picture that is shown to the model and asked about
 */
export async function* demoDialogue(
  model: Pipeline,
  given: Picture,
  options: Pick<RunControls, 'signal'> & { readonly seed: number },
): AsyncGenerator<DemoMessage, void> {
  const messages: DemoMessage[] = [];
  for (const { text, isAboutGiven } of said) {
    const shown: DemoPart[] = isAboutGiven ? [{ type: 'image', image: given }] : [];
    const question: DemoMessage = { role: 'user', content: [...shown, { type: 'text', text }] };
    yield question;
    messages.push(question);
    const { answer, samples } = await model.run('chat', { messages }, options);
    const content = (answer?.content ?? []).map(
      (part): DemoPart => (part.type === 'text' ? part : { type: 'image', image: samples[part.index]!.image! }),
    );
    const reply: DemoMessage = { role: 'assistant', content };
    yield reply;
    messages.push(reply);
  }
}
