/** What folders of Hugging Face's libraries hold beside the weights of a language model: tokenizer, chat template, how tokens are chosen. */
import { join } from 'node:path';
import Type from 'typebox';
import { DuetError } from '../../core/errors.ts';
import { readJsonFile, readOptionalJsonFile, readOptionalTextFile } from '../../core/json-file.ts';
import {
  ChatTemplate,
  JsonTokenizer,
  PromptEncoder,
  type TokenizerSource,
  tokenizerFrom,
} from '../../tokenizer/index.ts';
import { orNull, readFields } from '../../weights/names/config-file.ts';

/** How tokens are chosen where the caller does not say: the model's own settings. */
export interface SamplingDefaults {
  readonly temperature: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  readonly repetitionPenalty?: number;
  /** More than one: the most probable text is searched for, and no token is drawn. */
  readonly beams?: number;
  readonly lengthPenalty?: number;
  readonly earlyStopping?: boolean | 'never';
  readonly maxTokens?: number;
}

export interface TextFiles {
  readonly tokenizer: JsonTokenizer;
  /** The same for prompts, which may be long. */
  readonly prompts: PromptEncoder;
  /** Absent in models that were not trained on dialogues. */
  readonly chatTemplate?: ChatTemplate;
  /** Names that templates use, such as `bos_token`. */
  readonly specialTokens: Readonly<Record<string, string>>;
  /** Tokens that end a text. */
  readonly stopIds: readonly number[];
  readonly defaults: SamplingDefaults;
}

const id = Type.Integer({ minimum: 0 });
const endIdsSchema = orNull(Type.Union([id, Type.Array(id)]));
const number = orNull(Type.Number());

/** generation_config.json, and the same fields of config.json in older folders. */
const generationSchema = Type.Object({
  eos_token_id: endIdsSchema,
  do_sample: orNull(Type.Boolean()),
  temperature: number,
  top_k: number,
  top_p: number,
  min_p: number,
  repetition_penalty: number,
  num_beams: orNull(Type.Integer({ minimum: 1 })),
  length_penalty: number,
  early_stopping: orNull(Type.Union([Type.Boolean(), Type.Literal('never')])),
  max_new_tokens: orNull(Type.Integer({ minimum: 1 })),
});
type Generation = Type.Static<typeof generationSchema>;

const specialToken = orNull(Type.Union([Type.String(), Type.Object({ content: Type.String() })]));
const tokenizerConfigSchema = Type.Object({
  bos_token: specialToken,
  eos_token: specialToken,
  pad_token: specialToken,
  unk_token: specialToken,
  add_bos_token: orNull(Type.Boolean()),
  add_eos_token: orNull(Type.Boolean()),
  /** One template, or several of which one is the default. */
  chat_template: orNull(
    Type.Union([Type.String(), Type.Array(Type.Object({ name: Type.String(), template: Type.String() }))]),
  ),
});
type TokenizerConfig = Type.Static<typeof tokenizerConfigSchema>;

export interface TextFilesOptions {
  /** What config.json says of the language model. */
  readonly config: unknown;
  /** Tokens that the model knows. */
  readonly vocabularySize: number;
  /** Tokens that end a text where no file says: the default of transformers for models of the kind. @default none */
  readonly endIds?: readonly number[];
  /** Special tokens that the tokenizer is to know beside its own; blanks around them belong to them. @default none */
  readonly addedTokens?: NonNullable<TokenizerSource['addedTokens']>;
}

/** @throws DuetError 'model-not-found' | 'invalid-config' */
export async function readTextFiles(
  folder: string,
  { config, vocabularySize, endIds = [], addedTokens = [] }: TextFilesOptions,
): Promise<TextFiles> {
  const at = (name: string) => join(folder, name);
  const tokenizerConfig = await readChecked(tokenizerConfigSchema, at('tokenizer_config.json'));
  const file = at('tokenizer.json');
  const json = await readRequired(file);
  const specialTokens = specialTokensOf(
    await readChecked(tokenizerConfigSchema, at('special_tokens_map.json')),
    tokenizerConfig,
  );
  const frame = frameOf(tokenizerConfig, specialTokens);
  const own = new JsonTokenizer(json, file, frame);
  if (own.vocabularySize > vocabularySize) {
    throw new DuetError(
      'invalid-config',
      `${file} has ids up to ${own.vocabularySize - 1}, the model has ${vocabularySize} tokens: they do not belong together`,
    );
  }
  const source = { file, frame, addedTokens: addedTokens.filter(({ name }) => own.idOf(name) === undefined) };
  const tokenizer = source.addedTokens.length === 0 ? own : tokenizerFrom(json, source);
  const generation = await readChecked(generationSchema, at('generation_config.json'));
  const older = readFields(generationSchema, config, at('config.json'));
  const chatTemplate = await readChatTemplate(at, tokenizerConfig);
  return {
    tokenizer,
    prompts: new PromptEncoder(tokenizer, source),
    ...(chatTemplate && { chatTemplate }),
    specialTokens,
    stopIds: [generation.eos_token_id ?? older.eos_token_id ?? endIds].flat(),
    defaults: samplingDefaults(generation),
  };
}

/** @throws DuetError 'model-not-found' if there is no such file */
export async function readRequired(file: string): Promise<unknown> {
  try {
    return await readJsonFile(file);
  } catch (error) {
    if (DuetError.isInstance(error)) throw error;
    throw new DuetError(
      'model-not-found',
      `Cannot read ${file}; the folder of a language model holds config.json, tokenizer.json and .safetensors files`,
      { cause: error },
    );
  }
}

/** What the file has of the schema's fields; none if there is no such file. */
async function readChecked<T extends Type.TSchema>(schema: T, file: string): Promise<Type.Static<T>> {
  return readFields(schema, (await readOptionalJsonFile(file)) ?? {}, file);
}

function specialTokensOf(...configs: readonly TokenizerConfig[]): Record<string, string> {
  const names = ['bos_token', 'eos_token', 'pad_token', 'unk_token'] as const;
  const found = configs.flatMap(config =>
    names.flatMap(name => {
      const token = config[name];
      return token ? [[name, typeof token === 'string' ? token : token.content] as const] : [];
    }),
  );
  return Object.fromEntries(found);
}

/** What tokenizer_config.json says about the ends of a text counts more than the template in tokenizer.json. */
function frameOf(
  { add_bos_token: bos, add_eos_token: eos }: TokenizerConfig,
  { bos_token, eos_token }: Readonly<Record<string, string>>,
) {
  if (typeof bos !== 'boolean' && typeof eos !== 'boolean') return undefined;
  return { before: bos && bos_token ? [bos_token] : [], behind: eos && eos_token ? [eos_token] : [] };
}

/** A file of its own (from transformers 4.52 on) counts before the field of tokenizer_config.json. */
async function readChatTemplate(
  at: (name: string) => string,
  { chat_template: inConfig }: TokenizerConfig,
): Promise<ChatTemplate | undefined> {
  const file = await readOptionalTextFile(at('chat_template.jinja'));
  if (file !== undefined) return new ChatTemplate(file, at('chat_template.jinja'));
  const chosen = Array.isArray(inConfig)
    ? (inConfig.find(({ name }) => name === 'default') ?? inConfig[0])?.template
    : inConfig;
  return chosen ? new ChatTemplate(chosen, at('tokenizer_config.json')) : undefined;
}

/**
 * How tokens are chosen in a folder where the caller does not say.
 * @throws DuetError 'invalid-config'
 */
export async function readSamplingDefaults(folder: string): Promise<SamplingDefaults> {
  return samplingDefaults(await readChecked(generationSchema, join(folder, 'generation_config.json')));
}

/** transformers draws tokens only where the model says so. It may also draw those of beams, which here are the most probable. */
function samplingDefaults({ do_sample: draws, ...own }: Generation): SamplingDefaults {
  const { repetition_penalty: penalty, num_beams: beams, length_penalty: lengthPenalty } = own;
  const { early_stopping: earlyStopping, max_new_tokens: maxTokens } = own;
  const always = { ...(penalty && { repetitionPenalty: penalty }), ...(maxTokens && { maxTokens }) };
  if (beams && beams > 1) {
    const search = { beams, lengthPenalty: lengthPenalty ?? 1, earlyStopping: earlyStopping ?? false };
    return { temperature: 0, ...always, ...search };
  }
  if (!draws) return { temperature: 0, ...always };
  return {
    temperature: own.temperature ?? 1,
    ...(own.top_k && { topK: own.top_k }),
    ...(own.top_p && { topP: own.top_p }),
    ...(own.min_p && { minP: own.min_p }),
    ...always,
  };
}
