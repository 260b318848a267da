/**
 * Encodes prompts without making others wait: a short text in the thread that asks, which takes it some milliseconds, a
 * long one in a thread of its own, which is started when the first comes (docs/decisions/2026-11-28-tokenising-long-texts.md).
 */
import { resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import PQueue from 'p-queue';
import { DuetError, type ErrorCode } from '../core/errors.ts';
import type { EncodeOptions, JsonTokenizer } from './json-tokenizer.ts';
import type { TokenizerSource } from './read-tokenizer.ts';

/** UTF-16 units of a text that is encoded in the thread that asks. */
const shortText = 4000;

/** What the thread is sent. */
export interface TextToEncode {
  readonly id: number;
  readonly text: string;
  readonly options: EncodeOptions;
}

/** What it answers. */
export type EncodedText =
  | { readonly id: number; readonly ids: Int32Array<ArrayBuffer> }
  | { readonly id: number; readonly fault: { readonly message: string; readonly code?: ErrorCode } };

export interface PromptOptions extends EncodeOptions {
  /** Aborting rejects the call; a text whose turn has not come is not encoded. */
  readonly signal?: AbortSignal | undefined;
}

export class PromptEncoder {
  readonly tokenizer: JsonTokenizer;
  readonly #source: TokenizerSource;
  /** The thread is given one text at a time, so that those that nobody waits for any more are left out. */
  readonly #turns = new PQueue({ concurrency: 1 });
  readonly #asked = new Map<number, (answer: EncodedText | Error) => void>();
  #thread: Worker | undefined;
  #next = 0;
  #isReleased = false;

  /** @param source where `tokenizer` came from */
  constructor(tokenizer: JsonTokenizer, source: TokenizerSource) {
    this.tokenizer = tokenizer;
    this.#source = { ...source, file: resolve(source.file) };
  }

  /**
   * What the tokenizer's `encode` gives.
   * @throws DuetError 'worker-died' if the thread ended meanwhile | 'released', for long texts alone
   */
  async encode(text: string, { signal, ...options }: PromptOptions = {}): Promise<readonly number[]> {
    signal?.throwIfAborted();
    if (text.length <= shortText) return this.tokenizer.encode(text, options);
    return this.#turns.add(() => this.#encodeInThread(text, options), signal ? { signal } : {});
  }

  /** Ends the thread; texts that wait for it are refused. Idempotent. */
  async release(): Promise<void> {
    this.#isReleased = true;
    await this.#thread?.terminate();
  }

  async #encodeInThread(text: string, options: EncodeOptions): Promise<readonly number[]> {
    if (this.#isReleased) throw released();
    this.#thread ??= this.#start();
    const thread = this.#thread;
    const id = this.#next++;
    const answer = await new Promise<EncodedText | Error>(tell => {
      this.#asked.set(id, tell);
      // It keeps the process alive while somebody waits for it.
      thread.ref();
      thread.postMessage({ id, text, options } satisfies TextToEncode);
    });
    if (answer instanceof Error) throw answer;
    if ('fault' in answer) {
      const { code, message } = answer.fault;
      throw code ? new DuetError(code, message) : new Error(message);
    }
    return Array.from(answer.ids);
  }

  #start(): Worker {
    const thread = startThread(this.#source);
    let cause: unknown;
    thread.on('message', (answer: EncodedText) => {
      this.#asked.get(answer.id)?.(answer);
      this.#asked.delete(answer.id);
      if (this.#asked.size === 0) thread.unref();
    });
    thread.on('error', error => {
      cause = error;
    });
    thread.on('exit', () => {
      this.#thread = undefined;
      const error = this.#isReleased ? released() : died(cause);
      for (const tell of this.#asked.values()) tell(error);
      this.#asked.clear();
    });
    return thread;
  }
}

/** Built, the thread's module is JavaScript; run from source it is TypeScript, which a thread reads once tsx is registered in it. */
function startThread(workerData: TokenizerSource): Worker {
  const isSource = import.meta.url.endsWith('.ts');
  const module = new URL(`./encoding-thread.${isSource ? 'ts' : 'js'}`, import.meta.url);
  if (!isSource) return new Worker(module, { workerData, execArgv: [] });
  const start = `import('${import.meta.resolve('tsx/esm/api')}').then(({ register }) => { register(); return import('${module}'); })`;
  return new Worker(start, { eval: true, workerData, execArgv: [] });
}

function released(): DuetError {
  return new DuetError('released', 'The model was released; load it again to use it');
}

function died(cause: unknown): DuetError {
  const why = cause instanceof Error ? ` (${cause.message})` : '';
  return new DuetError(
    'worker-died',
    `The thread that encodes long texts ended while it was needed${why}. Another is started for the next one; ` +
      'if this repeats, the machine may be out of memory.',
    { cause },
  );
}
