/** The tokenizer on disk: one JSON file of ours, or the vocab.json and merges.txt of published models. */
import Type from 'typebox';
import { Value } from 'typebox/value';
import { DuetError } from '../core/errors.ts';

const tokenizerDataSchema = Type.Object(
  {
    style: Type.Union([Type.Literal('clip'), Type.Literal('gpt2')]),
    /** Symbol -> id. Bytes as GPT-2's stand-in characters; in style `clip` `</w>` marks the end of a word. */
    vocab: Type.Record(Type.String(), Type.Integer({ minimum: 0 })),
    /** Pairs "left right" in order of rank. */
    merges: Type.Array(Type.String()),
    special: Type.Object(
      {
        start: Type.String(),
        end: Type.String(),
        pad: Type.String(),
        /** Stands for bytes that the vocabulary lacks; without it, it must have them all. */
        unknown: Type.Optional(Type.String()),
      },
      { additionalProperties: false },
    ),
    /** Whole words seen in training, cleaned; absent where they are not known. */
    words: Type.Optional(Type.Array(Type.String())),
  },
  { additionalProperties: false },
);

export type TokenizerData = Type.Static<typeof tokenizerDataSchema>;

/**
 * The tokenizer data in the text of a JSON file.
 * @throws DuetError `invalid-config` naming the first thing that is wrong.
 */
export function parseTokenizerData(json: string): TokenizerData {
  let data: unknown;
  try {
    data = JSON.parse(json);
  } catch (error) {
    throw new DuetError('invalid-config', 'The tokenizer file is not JSON', { cause: error });
  }
  if (!Value.Check(tokenizerDataSchema, data)) {
    const [first] = Value.Errors(tokenizerDataSchema, data);
    throw new DuetError(
      'invalid-config',
      `The tokenizer file is not valid: ${first?.instancePath || 'the whole file'} ${first?.message ?? ''}`,
    );
  }
  return data;
}

/** `data` as the text of a JSON file, one symbol a line so that changes can be read. */
export function stringifyTokenizerData(data: TokenizerData): string {
  return `${JSON.stringify(data, undefined, 1)}\n`;
}

const endOfText = '<|endoftext|>';
const specials = {
  clip: { start: '<|startoftext|>', end: endOfText, pad: endOfText, unknown: endOfText },
  gpt2: { start: endOfText, end: endOfText, pad: endOfText, unknown: endOfText },
} satisfies Record<TokenizerData['style'], TokenizerData['special']>;

/**
 * Tokenizer data from the published pair of files.
 * @param vocabJson text of vocab.json
 * @param mergesText text of merges.txt; its first line (`#version`) is skipped
 * @param special what differs from the published CLIP ViT-L/14 and GPT-2: Stable Diffusion 2 pads with "!", UniDiffuser's
 *   GPT-2 ends with "<|EOS|>"
 */
export function tokenizerDataFromFiles(
  vocabJson: string,
  mergesText: string,
  style: TokenizerData['style'],
  special: Partial<TokenizerData['special']> = {},
): TokenizerData {
  const lines = mergesText.split('\n').map(line => line.trimEnd());
  const merges = lines.filter((line, index) => line !== '' && !(index === 0 && line.startsWith('#version')));
  const data = { style, vocab: JSON.parse(vocabJson) as unknown, merges, special: { ...specials[style], ...special } };
  return parseTokenizerData(JSON.stringify(data));
}
