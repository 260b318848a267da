import { describe, expect, it } from 'vitest';
import { dialogueText } from '../../pipelines/chat/dialogue.ts';
import type { DialogueTurn } from './dialogue-source.ts';
import { tokeniseDialogue, vectorId } from './dialogue-tokens.ts';
import { packDialogues } from './packed-batch.ts';
import { sceneDialogues } from './scene-dialogues.ts';

/** Letters are their codes; `<` is the user's mark, `>` that of an answer. */
const encode = (text: string) => [...text].map(letter => letter.codePointAt(0)!);
const form = { user: '<', assistant: '>', encode, vokens: [1001, 1002, 1003], vectors: 2 };
const [user, answer, a, b, c] = encode('<>abc') as [number, number, number, number, number];
const shape = { rows: 2, length: 12, given: 2, drawn: 2, vectors: 2, vokens: 3, vocabularySize: 2000 };

const picture = () => ({ width: 1, height: 1, data: Uint8Array.of(1, 2, 3) });
const text = (words: string) => ({ type: 'text', text: words }) as const;
const image = (caption: string) => ({ type: 'image', picture, caption }) as const;
const turns: DialogueTurn[] = [
  { role: 'user', content: [image('given'), text('a')] },
  { role: 'assistant', content: [text('b'), image('drawn')] },
  { role: 'user', content: [text('c')] },
  { role: 'assistant', content: [text('a')] },
];

describe('dialogues as tokens', () => {
  it('count answers and what ends them, and of vokens the first and the last', () => {
    const { ids, counts, given, drawn } = tokeniseDialogue(turns, form);
    expect(ids).toEqual([user, vectorId, vectorId, a, answer, b, 1001, 1002, 1003, user, c, answer, a, user]);
    expect(ids.filter((_, index) => counts[index])).toEqual([b, 1001, 1003, user, a, user]);
    expect(given).toEqual([picture]);
    expect(drawn).toEqual([{ position: 6, caption: 'drawn' }]);
    expect(tokeniseDialogue(turns.slice(0, 1), form).counts).not.toContain(true);
  });

  it('are what the model reads when it goes on with them', async () => {
    const own = {
      user: '<|user|>',
      assistant: '<|assistant|>',
      image: '<|image|>',
      vokens: ['[IMG0]', '[IMG1]', '[IMG2]'],
    };
    const vocabulary = {
      vokens: own.vokens.map((name, index) => ({ name, id: 1001 + index })),
      image: { name: own.image, id: vectorId },
    };
    /** Special tokens by their ids, other letters as their codes. */
    const read = (written: string) =>
      written.split(/(<\|\w+\|>|\[IMG\d\])/).flatMap(piece => {
        const known = [
          ...vocabulary.vokens,
          vocabulary.image,
          { name: own.user, id: user },
          { name: own.assistant, id: answer },
        ];
        const found = known.find(({ name }) => name === piece);
        return found ? [found.id] : encode(piece);
      });
    const source = await sceneDialogues({ side: 64, count: 60, seed: 1 });
    for (let index = 0; index < source.size; index++) {
      const all = await source.dialogue(index);
      const asked = all.slice(0, -1);
      const messages = asked.map(({ role, content }) => ({
        role,
        content: content.map(part =>
          part.type === 'text' ? part : { type: 'image' as const, image: new Uint8Array(1) },
        ),
      }));
      const prompt = dialogueText(messages, { ...own, system: '', separator: '', drawn: 'vokens' }, vocabulary);
      const { ids } = tokeniseDialogue(asked, { ...own, encode: read, vokens: [1001, 1002, 1003], vectors: 1 });
      expect(read(prompt.text)).toEqual([...ids, answer]);
      const given = asked.flatMap(({ role, content }) => (role === 'user' ? content : []));
      expect(prompt.images).toHaveLength(given.filter(({ type }) => type === 'image').length);
    }
  });
});

describe('a packed batch', () => {
  it('holds several dialogues in a row, each with its own pictures and places', async () => {
    const short: DialogueTurn[] = [
      { role: 'user', content: [image('given'), text('b')] },
      { role: 'assistant', content: [image('drawn')] },
    ];
    const tokens = tokeniseDialogue(short, form);
    expect(tokens.ids).toEqual([user, -1, -1, b, answer, 1001, 1002, 1003, user]);
    const small = tokeniseDialogue(
      [
        { role: 'user', content: [text('c')] },
        { role: 'assistant', content: [] },
      ],
      form,
    );
    const waiting = [tokens, small, tokens, tokens];
    const { inputs, given, captions } = await packDialogues(async () => waiting.shift(), shape);
    const rows = (name: 'sources' | 'segments' | 'labels' | 'weights') => [
      [...inputs[name].data.slice(0, 12)],
      [...inputs[name].data.slice(12)],
    ];
    expect(rows('segments')).toEqual([
      [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0],
      [2, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0],
    ]);
    expect(rows('sources')[0]).toEqual([user, 2000, 2001, b, answer, 1001, 1002, 1003, user, 0, 0, 0]);
    expect(rows('labels')[0]).toEqual([0, 0, 0, 0, 0, 1001, 0, 1003, user, 0, 0, 0]);
    expect(rows('weights')[1]!.reduce((sum, value) => sum + value)).toBe(1);
    // The state before the first voken predicts it.
    expect([...inputs.places.data]).toEqual([4, 5, 6, 0, 0, 0]);
    expect([...inputs.present.data]).toEqual([1, 0]);
    expect(given).toHaveLength(1);
    expect(captions).toEqual(['drawn']);
  });

  it('leaves out what does not fit, and ends when nothing more comes', async () => {
    const long = tokeniseDialogue([{ role: 'user', content: [text('a'.repeat(20))] }], form);
    let asked = 0;
    const { inputs } = await packDialogues(async () => {
      asked++;
      return long;
    }, shape);
    expect(asked).toBeGreaterThan(1);
    expect([...inputs.segments.data].every(segment => segment === 0)).toBe(true);
    const none = await packDialogues(async () => undefined, shape);
    expect(none.given).toEqual([]);
  });
});
