/** A loaded language model of the Llama family: it goes on with texts and answers in dialogues, many at once. */
import { fixedLimit, MeasuredLimit } from '../../batching/batch-limit.ts';
import { BatchingDriver, callOptions } from '../../batching/batching-driver.ts';
import { DuetError } from '../../core/errors.ts';
import {
  type BeamOptions,
  decodingProgram,
  type GeneratedToken,
  generateTokens,
  type LlamaConfig,
  llamaModel,
  llamaPositions,
  TokenChooser,
} from '../../lm/index.ts';
import { type ChatMessage, type JsonTokenizer, type PromptOptions, TextStream } from '../../tokenizer/index.ts';
import { CompiledDecoder, SharedDecoder } from '../compiled-decoder.ts';
import type { LoadOptions } from '../family.ts';
import { searchText } from '../language/search-text.ts';
import { type LlamaFolder, readLlamaFolder } from './model-folder.ts';
import { type TextOptions, type UsedOptions, usedOptions } from './options.ts';

/** Prompts that are read in one call: what decodes waits meanwhile. */
const promptsAtOnce = 8;

export interface GeneratedText {
  readonly text: string;
  readonly ids: readonly number[];
  /** `stop`: a stop token or text ended it; `length`: it was long enough. */
  readonly finishReason: 'stop' | 'length';
  readonly promptTokens: number;
  readonly seed: number;
  /** The hidden state that each token was chosen from, [W] each, if they were asked for. */
  readonly hidden?: readonly Float32Array[];
}

export type TextEvent =
  /** Never ends inside a character. */
  { readonly type: 'text-delta'; readonly text: string } | ({ readonly type: 'text-end' } & GeneratedText);

/** A text, or the ids of its tokens. */
export type Prompt = string | readonly number[];

/** Where an answer begins. */
interface Start {
  readonly ids: readonly number[];
  /** Ids whose text decides about a blank in front of the answer. */
  readonly before: readonly number[];
}

export class Llama {
  readonly config: LlamaConfig;
  readonly tokenizer: JsonTokenizer;
  /** Positions of prompt and answer together. */
  readonly positions: number;
  readonly #folder: LlamaFolder;
  readonly #decoder: SharedDecoder;
  readonly #driver: BatchingDriver;

  private constructor(folder: LlamaFolder, decoder: SharedDecoder, driver: BatchingDriver) {
    this.config = folder.config;
    this.tokenizer = folder.tokenizer;
    this.positions = llamaPositions(folder.config);
    this.#folder = folder;
    this.#decoder = decoder;
    this.#driver = driver;
  }

  /** @throws DuetError 'model-not-found' | 'invalid-config' | 'invalid-weights' */
  static async load(path: string, options: LoadOptions = {}): Promise<Llama> {
    const { maxBatch, precision = 'fp32', ...compileOptions } = options;
    if (precision !== 'fp32') {
      throw new DuetError('invalid-argument', `Language models compute in fp32, got precision ${precision}`);
    }
    const folder = await readLlamaFolder(path);
    const driver = new BatchingDriver();
    const decoder = await CompiledDecoder.create(
      decodingProgram({ model: llamaModel(folder.config), params: params => params }),
      { params: folder.params, positions: llamaPositions(folder.config) },
      { ...compileOptions, name: 'llama' },
    );
    const rows = maxBatch === undefined ? new MeasuredLimit() : fixedLimit(maxBatch);
    return new Llama(folder, new SharedDecoder(decoder, driver, { prompts: promptsAtOnce, rows }), driver);
  }

  /**
   * Goes on with a text.
   * @throws DuetError 'invalid-argument'
   * @example
   * const { text } = await model.generate('Once upon a time', { maxTokens: 40, temperature: 0.8, seed: 1 });
   */
  async generate(prompt: Prompt, options: TextOptions = {}): Promise<GeneratedText> {
    return this.#whole(() => this.#continuation(prompt, options), options);
  }

  /** `generate`, piece by piece; ending the loop ends the call. */
  stream(prompt: Prompt, options: TextOptions = {}): AsyncGenerator<TextEvent, void> {
    return this.#events(() => this.#continuation(prompt, options), options);
  }

  /**
   * Answers in a dialogue, in the words that the model's chat template puts around it.
   * @throws DuetError 'invalid-argument' if the model has no template, or if that refuses the messages
   * @example
   * const { text } = await model.chat([{ role: 'user', content: 'Hello' }]);
   */
  async chat(messages: readonly ChatMessage[], options: TextOptions = {}): Promise<GeneratedText> {
    return this.#whole(() => this.#answer(messages, options), options);
  }

  /** `chat`, piece by piece; ending the loop ends the call. */
  streamChat(messages: readonly ChatMessage[], options: TextOptions = {}): AsyncGenerator<TextEvent, void> {
    return this.#events(() => this.#answer(messages, options), options);
  }

  /** The text that `chat` goes on with. */
  chatText(messages: readonly ChatMessage[]): string {
    const { chatTemplate, specialTokens } = this.#folder;
    if (!chatTemplate) {
      throw new DuetError('invalid-argument', 'This model has no chat template; use generate with a text of your own');
    }
    return chatTemplate.render(messages, { variables: specialTokens });
  }

  /** Ends all calls and frees the weights; further calls throw. Idempotent. */
  async release(): Promise<void> {
    this.#driver.close();
    await Promise.all([this.#decoder.release(), this.#folder.prompts.release()]);
  }

  async #continuation(prompt: Prompt, { signal }: TextOptions): Promise<Start> {
    const ids = typeof prompt === 'string' ? await this.#encode(prompt, { signal }) : prompt;
    return { ids, before: ids };
  }

  async #answer(messages: readonly ChatMessage[], { signal }: TextOptions): Promise<Start> {
    // The template has written the token that begins a text.
    return { ids: await this.#encode(this.chatText(messages), { framed: false, signal }), before: [] };
  }

  async #encode(text: string, options: PromptOptions): Promise<readonly number[]> {
    if (this.tokenizer.exceeds(text, this.positions)) throw tooLong(`more than ${this.positions}`, this.positions);
    return this.#folder.prompts.encode(text, options);
  }

  async #whole(start: () => Promise<Start>, options: TextOptions): Promise<GeneratedText> {
    for await (const event of this.#events(start, options)) {
      if (event.type === 'text-delta') continue;
      const { type: _, ...result } = event;
      return result;
    }
    throw new Error('A stream of text ends with its last event');
  }

  async *#events(begin: () => Promise<Start>, options: TextOptions): AsyncGenerator<TextEvent, void> {
    const start = await begin();
    const { ids: prompt, before } = start;
    const used = this.#used(prompt, options);
    if (used.search) return yield* this.#search(start, used.search, used, options);
    const tokens = this.#tokens(prompt, used, options);
    const stream = new TextStream(this.tokenizer, { before, stop: used.stop });
    const made: GeneratedToken[] = [];
    const pieces: string[] = [];
    let finishReason: 'stop' | 'length' = 'stop';
    try {
      for (;;) {
        const next = await tokens.next();
        const piece = next.done ? stream.end() : stream.push(next.value.id);
        if (next.done) finishReason = next.value;
        else made.push(next.value);
        if (piece !== '') {
          pieces.push(piece);
          yield { type: 'text-delta', text: piece };
        }
        if (next.done || stream.isStopped) break;
      }
    } finally {
      await tokens.return('stop');
    }
    yield {
      type: 'text-end',
      text: pieces.join(''),
      ids: made.map(({ id }) => id),
      finishReason: stream.isStopped ? 'stop' : finishReason,
      promptTokens: prompt.length,
      seed: used.seed,
      ...(options.withHidden && { hidden: made.map(({ hidden }) => hidden!) }),
    };
  }

  #tokens(prompt: readonly number[], used: UsedOptions, { withHidden = false, ...options }: TextOptions) {
    const { signal } = options;
    const sequences = this.#decoder.sequences(callOptions(options));
    const { maxTokens, stopIds } = used;
    const chooser = new TokenChooser(used.choice);
    return generateTokens({ ids: prompt }, sequences, { chooser, maxTokens, stopIds, withHidden, signal });
  }

  async *#search(
    { ids: prompt, before }: Start,
    search: BeamOptions,
    { maxTokens, stop, stopIds, seed }: UsedOptions,
    { withHidden = false, signal, ...options }: TextOptions,
  ): AsyncGenerator<TextEvent, void> {
    if (withHidden) {
      throw new DuetError('invalid-argument', 'withHidden is not of beams: give beams of 1', { field: 'withHidden' });
    }
    const sequences = this.#decoder.sequences(callOptions({ ...options, ...(signal && { signal }) }));
    const limits = { maxTokens, stopIds, penalised: prompt, signal };
    const { ids, finishReason } = await searchText({ ids: prompt }, sequences, search, limits);
    const stream = new TextStream(this.tokenizer, { before, stop });
    const text = [...ids.map(id => stream.push(id)), stream.end()].join('');
    if (text !== '') yield { type: 'text-delta', text };
    const isStopped = stream.isStopped || finishReason === 'stop';
    const end = isStopped ? 'stop' : 'length';
    yield { type: 'text-end', text, ids, finishReason: end, promptTokens: prompt.length, seed };
  }

  #used(prompt: readonly number[], options: TextOptions): UsedOptions {
    const room = this.positions - prompt.length;
    const { vocabularySize } = this.config;
    if (prompt.length === 0) throw new DuetError('invalid-argument', 'The prompt needs at least one token');
    const wrong = prompt.find(id => !Number.isInteger(id) || id < 0 || id >= vocabularySize);
    if (wrong !== undefined) {
      throw new DuetError('invalid-argument', `Ids are whole numbers from 0 to ${vocabularySize - 1}, got ${wrong}`);
    }
    if (room < 1) throw tooLong(prompt.length, this.positions);
    return usedOptions(options, { defaults: this.#folder.defaults, stopIds: this.#folder.stopIds, room });
  }
}

function tooLong(tokens: number | string, most: number): DuetError {
  return new DuetError(
    'invalid-argument',
    `The prompt has ${tokens} tokens; the model reads ${most} with its answer. Make it shorter.`,
  );
}
