/**
 * Choosing tokens, as generators: each yields a query (the sequences so far) and receives the logits of the next token,
 * so the search knows nothing of networks and caches, and several searches can share one forward pass.
 */
import { argMax, type LogitsOptions, processLogits, softmax } from './logits-processors.ts';

/** What a search wants to know. Row r continues row `parents[r]` of its previous query (a cache is reordered by it). */
export interface DecodingQuery {
  /** The tokens generated so far, per row; all rows have the same number. */
  readonly sequences: readonly (readonly number[])[];
  readonly parents: readonly number[];
}

/** Next-token logits [V] per row of the query. */
export type NextLogits = (query: DecodingQuery) => Promise<readonly Float32Array[]>;

/** A search: yields queries, receives logits per row, returns its result. */
export type Decoding<R> = Generator<DecodingQuery, R, readonly Float32Array[]>;

/** Runs one search; `signal` is checked before each query. */
export async function runDecoding<R>(
  decoding: Decoding<R>,
  nextLogits: NextLogits,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<R> {
  let step = decoding.next();
  while (!step.done) {
    options.signal?.throwIfAborted();
    step = decoding.next(await nextLogits(step.value));
  }
  return step.value;
}

/**
 * Runs several searches together: one query holds the rows of all that are still going. The i-th search starts at row i
 * of the first query, so `nextLogits` sees one row per search (its prefix) before any has branched.
 */
export async function runDecodings<R>(
  decodings: readonly Decoding<R>[],
  nextLogits: NextLogits,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<R[]> {
  const steps = decodings.map(decoding => decoding.next());
  let offsets = decodings.map((_, index) => index);
  for (;;) {
    const sequences: (readonly number[])[] = [];
    const parents: number[] = [];
    const starts = steps.map((step, index) => {
      const start = sequences.length;
      if (!step.done) {
        sequences.push(...step.value.sequences);
        parents.push(...step.value.parents.map(parent => offsets[index]! + parent));
      }
      return start;
    });
    if (sequences.length === 0) return steps.map(step => step.value as R);
    options.signal?.throwIfAborted();
    const rows = await nextLogits({ sequences, parents });
    offsets = starts;
    steps.forEach((step, index) => {
      if (step.done) return;
      const from = starts[index]!;
      steps[index] = decodings[index]!.next(rows.slice(from, from + step.value.sequences.length));
    });
  }
}

export interface SamplingOptions extends LogitsOptions {
  readonly maxTokens: number;
  /** Generation ends after this token, which is part of the result. */
  readonly endId?: number;
  /** Uniform numbers in [0, 1); without it the most probable token is taken (greedy). */
  readonly random?: () => number;
}

/** Greedy decoding: the most probable token each time, after the processors. Returns the new tokens. */
export function greedy(options: Omit<SamplingOptions, 'random'>): Decoding<number[]> {
  return nucleus(options);
}

/** Nucleus (top-p, top-k, temperature) sampling of one row. Returns the new tokens, the end token included. */
export function* nucleus(options: SamplingOptions): Decoding<number[]> {
  const tokens: number[] = [];
  while (tokens.length < options.maxTokens) {
    const [logits] = yield { sequences: [[...tokens]], parents: [0] };
    const processed = processLogits(logits!, options, tokens);
    const token = options.random ? draw(softmax(processed), options.random()) : argMax(processed);
    tokens.push(token);
    if (token === options.endId) break;
  }
  return tokens;
}

/** The index at which the running sum of `probabilities` first exceeds `uniform`. */
function draw(probabilities: Float64Array, uniform: number): number {
  let sum = 0;
  for (let id = 0; id < probabilities.length; id++) {
    sum += probabilities[id]!;
    if (uniform < sum) return id;
  }
  return argMax(probabilities);
}
