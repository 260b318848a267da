/**
 * A search over sequences whose keys and values the language model keeps: they are forked and dropped as the search
 * branches.
 */
import { type Decoding, type NextToken, type NextTokens, runDecoding } from './decoding.ts';

/**
 * Sequences of a language model. Rows are independent of one another: those of different searches, at different lengths, may
 * share a call.
 * @typeParam S the handle of one sequence
 */
export interface CachedSequences<S> {
  /** Whether positions that are read in one call are what they are when they are read in several. */
  readonly readsInParts: boolean;
  create(): S;
  /** A second sequence that goes on from where `sequence` is. */
  fork(sequence: S): S;
  drop(sequence: S): void;
  /** Adds positions to each sequence; the answers are about the token after the last of them. */
  extend(rows: readonly ExtensionRow<S>[]): Promise<readonly NextToken[]>;
}

/** What a sequence is extended by. */
export interface Extension {
  /** At least one token; a negative one stands for the vector at its place. */
  readonly ids: readonly number[];
  /** Vectors [N, D], as many as there are ids; those at the places of tokens are not looked at. @default none */
  readonly vectors?: Float32Array;
  /** Whether the hidden states of the new positions are answered as well. @default false */
  readonly withHidden?: boolean;
}

export interface ExtensionRow<S> extends Extension {
  readonly sequence: S;
}

/** Positions of a prompt that are read in one call: between two calls others have their turn, and scores of attention take less memory. */
const chunkLength = 256;

/** Reads `prompt` into `sequence`, part by part; `signal` is checked before each. Hidden states are those of the last part. */
export async function readPrompt<S>(
  sequence: S,
  { ids, vectors, withHidden = false }: Extension,
  sequences: CachedSequences<S>,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<NextToken> {
  let next: NextToken | undefined;
  const width = vectors ? vectors.length / ids.length : 0;
  const step = sequences.readsInParts ? chunkLength : ids.length;
  for (let at = 0; at < ids.length; at += step) {
    options.signal?.throwIfAborted();
    const end = Math.min(at + step, ids.length);
    const part = vectors && { vectors: vectors.subarray(at * width, end * width) };
    [next] = await sequences.extend([{ sequence, ids: ids.slice(at, end), ...part, withHidden }]);
  }
  if (!next) throw new RangeError('A prompt needs at least one position');
  return next;
}

/** Runs one search behind `prompt`; all its sequences are dropped when it ends, however it ends. */
export async function decodeCached<R, S>(
  search: Decoding<R>,
  prompt: Extension,
  sequences: CachedSequences<S>,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<R> {
  let rows: readonly S[] = [];
  const next: NextTokens = async query => {
    if (rows.length === 0) {
      rows = [sequences.create()];
      return [await readPrompt(rows[0]!, prompt, sequences, options)];
    }
    rows = branch(rows, query.parents, sequences);
    return sequences.extend(rows.map((sequence, row) => ({ sequence, ids: [query.sequences[row]!.at(-1)!] })));
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
