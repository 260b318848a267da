/**
 * A search over sequences whose keys and values the language model keeps: they are forked and dropped as the search
 * branches.
 */
import type { HostTensor } from '../core/host-tensor.ts';
import { type Decoding, type NextToken, type NextTokens, runDecoding } from './decoding.ts';

/**
 * Sequences of a language model. Rows are independent of one another: those of different searches, at different lengths, may
 * share a call.
 * @typeParam S the handle of one sequence
 */
export interface CachedSequences<S> {
  create(): S;
  /** A second sequence that goes on from where `sequence` is. */
  fork(sequence: S): S;
  drop(sequence: S): void;
  /** Reads prefixes (without a batch axis) into empty sequences. */
  prefill(rows: readonly PrefixRow<S>[]): Promise<readonly NextToken[]>;
  /** Adds a token to each sequence. */
  step(rows: readonly TokenRow<S>[]): Promise<readonly NextToken[]>;
}

export interface PrefixRow<S> {
  readonly sequence: S;
  readonly prefix: HostTensor;
}

export interface TokenRow<S> {
  readonly sequence: S;
  readonly token: number;
}

/** Runs one search behind `prefix`; all its sequences are dropped when it ends, however it ends. */
export async function decodeCached<R, S>(
  search: Decoding<R>,
  prefix: HostTensor,
  sequences: CachedSequences<S>,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<R> {
  let rows: readonly S[] = [];
  const next: NextTokens = async query => {
    if (rows.length === 0) {
      rows = [sequences.create()];
      return sequences.prefill(rows.map(sequence => ({ sequence, prefix })));
    }
    rows = branch(rows, query.parents, sequences);
    return sequences.step(rows.map((sequence, row) => ({ sequence, token: query.sequences[row]!.at(-1)! })));
  };
  try {
    return await runDecoding(search, next, options);
  } finally {
    for (const sequence of rows) sequences.drop(sequence);
  }
}

/**
 * The sequences of the next rows: the first child of a row takes its sequence over, further ones fork it; rows without a
 * child are dropped.
 */
function branch<S>(rows: readonly S[], parents: readonly number[], sequences: CachedSequences<S>): S[] {
  const taken = new Set<number>();
  const next = parents.map(parent => {
    const sequence = rows[parent]!;
    if (taken.has(parent)) return sequences.fork(sequence);
    taken.add(parent);
    return sequence;
  });
  for (const [row, sequence] of rows.entries()) if (!taken.has(row)) sequences.drop(sequence);
  return next;
}
