/**
 * Searches for token sequences, as generators: each yields a query (the sequences so far) and receives the logits of the
 * next token, so that a search does not depend on networks and caches.
 */
import type { HostTensor } from '../core/host-tensor.ts';

/** An evaluation request of a search. Row r continues row `parents[r]` of its previous query (a cache is reordered by it). */
export interface DecodingQuery {
  /** The tokens generated so far, per row; all rows have the same number. */
  readonly sequences: readonly (readonly number[])[];
  readonly parents: readonly number[];
}

/** The prediction of a language model for the token after a sequence. */
export interface NextToken {
  /** [V] */
  readonly logits: Float32Array;
  /** Hidden states of the positions that were added, [N, W], if they were asked for. */
  readonly hidden?: HostTensor;
}

/** Predicts the next token of each row of a query. */
export type NextTokens = (query: DecodingQuery) => Promise<readonly NextToken[]>;

/** A search: yields queries, receives a prediction for each row, returns its result. */
export type Decoding<R> = Generator<DecodingQuery, R, readonly NextToken[]>;

/** Runs one search; `signal` is checked before each query. */
export async function runDecoding<R>(
  decoding: Decoding<R>,
  nextTokens: NextTokens,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<R> {
  let step = decoding.next();
  while (!step.done) {
    options.signal?.throwIfAborted();
    step = decoding.next(await nextTokens(step.value));
  }
  return step.value;
}
