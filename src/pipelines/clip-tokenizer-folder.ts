/** CLIP's tokenizer from a folder as transformers writes it: vocab.json and merges.txt, or all in tokenizer.json. */
import { join } from 'node:path';
import Type from 'typebox';
import { Value } from 'typebox/value';
import { type TokenizerData, tokenizerDataFromFiles } from '../clip/tokenizer-file.ts';
import { DuetError } from '../core/errors.ts';
import { readTextFile } from '../core/text.ts';
import { isFile, readJsonObject } from './diffusers-folder.ts';

/** As the files name special tokens, with ours. */
const specialNames = { bos_token: 'start', eos_token: 'end', pad_token: 'pad', unk_token: 'unknown' } as const;

/** What is read of tokenizer.json. */
const fastTokenizerSchema = Type.Object({
  model: Type.Object({
    type: Type.Optional(Type.String()),
    vocab: Type.Record(Type.String(), Type.Integer({ minimum: 0 })),
    /** "left right", or pairs in newer files. */
    merges: Type.Array(Type.Union([Type.String(), Type.Tuple([Type.String(), Type.String()])])),
  }),
});

/** Far more than any text encoder reads; transformers writes 10^30 for "no limit". */
const noLimit = 1_000_000;

export interface ClipTokenizerFolder {
  readonly data: TokenizerData;
  /** How many tokens a text is cut and padded to; undefined if the folder does not say. */
  readonly length: number | undefined;
}

/** @throws DuetError 'invalid-config' naming the file at fault */
export async function readClipTokenizer(folder: string): Promise<ClipTokenizerFolder> {
  const [config, map] = await Promise.all([
    readIfThere(join(folder, 'tokenizer_config.json')),
    readIfThere(join(folder, 'special_tokens_map.json')),
  ]);
  const special = { ...specialTokens(config), ...specialTokens(map) };
  const { model_max_length: most } = config;
  return {
    data: await readVocabulary(folder, special),
    length: typeof most === 'number' && Number.isInteger(most) && most > 1 && most < noLimit ? most : undefined,
  };
}

async function readVocabulary(folder: string, special: Partial<TokenizerData['special']>): Promise<TokenizerData> {
  const [vocab, merges, fast] = ['vocab.json', 'merges.txt', 'tokenizer.json'].map(name => join(folder, name)) as [
    string,
    string,
    string,
  ];
  if ((await isFile(vocab)) && (await isFile(merges))) {
    const object = await readJsonObject(vocab);
    return tokenizerDataFromFiles(
      JSON.stringify(object),
      await readTextFile(merges, 'invalid-config'),
      'clip',
      special,
    );
  }
  if (!(await isFile(fast))) {
    throw new DuetError(
      'invalid-config',
      `${folder} holds no tokenizer: neither vocab.json with merges.txt nor tokenizer.json`,
    );
  }
  const whole = await readJsonObject(fast);
  if (!Value.Check(fastTokenizerSchema, whole) || (whole.model.type ?? 'BPE') !== 'BPE') {
    throw new DuetError(
      'invalid-config',
      `${fast} is not a byte-pair tokenizer: model.vocab and model.merges are needed`,
    );
  }
  const lines = whole.model.merges.map(pair => (typeof pair === 'string' ? pair : pair.join(' ')));
  return tokenizerDataFromFiles(JSON.stringify(whole.model.vocab), lines.join('\n'), 'clip', special);
}

/** Tokens are texts, or objects with their `content`. */
function specialTokens(file: Readonly<Record<string, unknown>>): Partial<TokenizerData['special']> {
  const entries = Object.entries(specialNames).flatMap(([theirs, ours]) => {
    const token = file[theirs];
    const text = typeof token === 'object' && token !== null ? (token as { content?: unknown }).content : token;
    return typeof text === 'string' ? [[ours, text] as const] : [];
  });
  return Object.fromEntries(entries);
}

async function readIfThere(file: string): Promise<Readonly<Record<string, unknown>>> {
  return (await isFile(file)) ? readJsonObject(file) : {};
}
