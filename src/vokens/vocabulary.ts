/** Which tokens are vokens: their names and ids stand in a model's configuration, and its tokenizer must agree. */
import Type from 'typebox';
import { DuetError } from '../core/errors.ts';

const token = Type.Object(
  { name: Type.String({ minLength: 1 }), id: Type.Integer({ minimum: 0 }) },
  { additionalProperties: false },
);

export const vokenVocabularySchema = Type.Object(
  {
    /** The tokens that together stand for a drawn picture, in their order. */
    vokens: Type.Array(token, { minItems: 1 }),
    /** The token that keeps the place of a given picture in a prompt. */
    image: token,
  },
  { additionalProperties: false },
);

export type VokenVocabulary = Type.Static<typeof vokenVocabularySchema>;

/** Tokens as MiniGPT-5 names them, behind a vocabulary of `size` tokens. */
export function miniGpt5Vocabulary(size: number, vokens = 8): VokenVocabulary {
  return {
    vokens: Array.from({ length: vokens }, (_, index) => ({ name: `[IMG${index}]`, id: size + index })),
    image: { name: '<ImageHere>', id: size + vokens },
  };
}

/** What turns text into ids, without anything in front of it or behind it. */
export type Encode = (text: string) => readonly number[];

/**
 * Refuses a tokenizer that does not read every token of the vocabulary as its id, alone and behind one another.
 * @param size of the language model's vocabulary
 * @throws DuetError 'invalid-config' naming the token
 */
export function checkVocabulary(vocabulary: VokenVocabulary, encode: Encode, size: number): void {
  const { vokens, image } = vocabulary;
  const all = [...vokens, image];
  const twice = all.find(({ id }, at) => all.findIndex(other => other.id === id) !== at);
  if (twice)
    throw new DuetError('invalid-config', `The id ${twice.id} is that of two tokens, ${twice.name} among them`);
  for (const { name, id } of all) {
    if (id >= size) {
      throw new DuetError('invalid-config', `${name} has the id ${id}, and the language model knows ${size} tokens`);
    }
    const got = encode(name);
    if (got.length !== 1 || got[0] !== id) throw refused(name, [id], got);
  }
  const names = vokens.map(({ name }) => name).join('');
  const ids = vokens.map(({ id }) => id);
  const got = encode(names);
  if (got.length !== ids.length || got.some((id, at) => id !== ids[at])) throw refused(names, ids, got);
}

function refused(text: string, wanted: readonly number[], got: readonly number[]): DuetError {
  return new DuetError(
    'invalid-config',
    `The tokenizer reads ${text} as ${got.join(' ')} and not as ${wanted.join(' ')}: add the vokens to tokenizer.json as special tokens with the ids of the model's configuration`,
  );
}
