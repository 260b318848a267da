/** Tokens one by one behind a prompt: greedy or drawn from what the logits processors leave. */
import { DuetError } from '../core/errors.ts';
import type { HostTensor } from '../core/host-tensor.ts';
import { seededRandom } from '../core/random.ts';
import { type CachedSequences, type Extension, readPrompt } from './cached-decoding.ts';
import { type LogitsOptions, processLogits, softmax } from './logits-processors.ts';

export interface TokenChoice extends LogitsOptions {
  /** Divides the logits; 0 takes the most probable token. @default 0 */
  readonly temperature?: number;
  /** Of the random numbers, one for each token, so that a sequence does not depend on others. @default 0 */
  readonly seed?: number;
}

/** Chooses the tokens of one sequence. */
export class TokenChooser {
  readonly #options: LogitsOptions;
  readonly #isGreedy: boolean;
  readonly #random: () => number;

  /** @throws DuetError 'invalid-argument' */
  constructor({ temperature = 0, seed = 0, ...options }: TokenChoice) {
    if (!(temperature >= 0 && Number.isFinite(temperature))) {
      throw new DuetError('invalid-argument', `temperature must be at least 0, got ${temperature}`);
    }
    this.#isGreedy = temperature === 0;
    this.#options = this.#isGreedy ? options : { ...options, temperature };
    this.#random = seededRandom(seed);
    // What the processors would refuse is refused before the model has read anything.
    processLogits(Float32Array.of(0), this.#options);
  }

  /** @param seen ids that the repetition penalty looks at: the prompt's and those chosen so far */
  choose(logits: Float32Array, seen: Iterable<number>): number {
    const processed = processLogits(logits, this.#options, seen);
    return this.#isGreedy ? largest(processed) : draw(softmax(processed), this.#random());
  }
}

function largest(logits: ArrayLike<number>): number {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if (logits[id]! > logits[best]!) best = id;
  return best;
}

/** The id at which the mass of those before reaches `at`, in [0, 1). */
function draw(probabilities: Float64Array, at: number): number {
  let mass = 0;
  let last = 0;
  for (let id = 0; id < probabilities.length; id++) {
    if (probabilities[id] === 0) continue;
    mass += probabilities[id]!;
    last = id;
    if (at < mass) return id;
  }
  return last; // the sum may stay a rounding below 1
}

export interface GenerationOptions {
  readonly chooser: TokenChooser;
  /** Most tokens. */
  readonly maxTokens: number;
  /** Tokens that end the sequence and do not belong to it. */
  readonly stopIds: readonly number[];
  /** Whether each token comes with the hidden state that it was chosen from. @default false */
  readonly withHidden?: boolean;
  /** Checked between two tokens. */
  readonly signal?: AbortSignal | undefined;
}

export interface GeneratedToken {
  readonly id: number;
  /** The state that it was chosen from, [W], if it was asked for. */
  readonly hidden?: Float32Array;
}

/** The tokens behind `prompt`; returns whether a stop id or `maxTokens` ended them. The sequence is dropped however this ends. */
export async function* generateTokens<S>(
  prompt: Extension,
  sequences: CachedSequences<S>,
  { chooser, maxTokens, stopIds, withHidden = false, signal }: GenerationOptions,
): AsyncGenerator<GeneratedToken, 'stop' | 'length'> {
  const sequence = sequences.create();
  const seen = prompt.ids.filter(id => id >= 0);
  try {
    let next = await readPrompt(sequence, { ...prompt, withHidden }, sequences, { signal });
    for (let count = 1; ; count++) {
      const id = chooser.choose(next.logits, seen);
      if (stopIds.includes(id)) return 'stop';
      seen.push(id);
      yield { id, ...(next.hidden && { hidden: lastRow(next.hidden) }) };
      if (count >= maxTokens) return 'length';
      signal?.throwIfAborted();
      [next] = (await sequences.extend([{ sequence, ids: [id], withHidden }])) as [typeof next];
    }
  } finally {
    sequences.drop(sequence);
  }
}

/** The last row of a matrix. */
function lastRow({ shape, data }: HostTensor): Float32Array {
  return (data as Float32Array).slice(-shape.at(-1)!);
}
