/**
 * Choosing tokens, as generators: each yields a query (the sequences so far) and receives the logits of the next token, so the
 * search knows nothing of networks and caches.
 */

/** What a search wants to know. Row r continues row `parents[r]` of its previous query (a cache is reordered by it). */
export interface DecodingQuery {
  /** The tokens generated so far, per row; all rows have the same number. */
  readonly sequences: readonly (readonly number[])[];
  readonly parents: readonly number[];
}

/** What a language model says about the token after a sequence. */
export interface NextToken {
  /** [V] */
  readonly logits: Float32Array;
  /** The hidden state that the logits are made from, [W], where the model was asked for it. */
  readonly hidden?: Float32Array;
}

/** Answers a query, row by row. */
export type NextTokens = (query: DecodingQuery) => Promise<readonly NextToken[]>;

/** A search: yields queries, receives an answer per row, returns its result. */
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
