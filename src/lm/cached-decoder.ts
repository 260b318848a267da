/**
 * Decoding with GPT-2's cache: two programs (read a prefix, add a token) and the host side that moves the rows of the
 * cache along with a search. Which engine runs the programs is the caller's business.
 */
import type * as tf from '@tensorflow/tfjs';
import type { HostTensor } from '../core/host-tensor.ts';
import type { InputSpec, Program } from '../engine/types.ts';
import type { NextLogits } from './decoding.ts';
import type { Gpt2Config, Gpt2Params } from './gpt2.ts';
import { cacheFromNames, gpt2Prefill, gpt2Step, nameCache } from './gpt2-cache.ts';

export interface CachedProgramsOptions<P> {
  readonly config: Gpt2Config;
  /** Positions of the cache: prefix and new tokens. */
  readonly length: number;
  /** The language model among the parameters. */
  readonly model: (params: P) => Gpt2Params;
  /** Prefix embeddings [B, L, W] of the input `prefix`. */
  readonly embed: (params: P, prefix: tf.Tensor) => tf.Tensor;
}

export interface CachedPrograms<P> {
  /** Input `prefix`; outputs `logits` [B, V] and the cache. */
  readonly prefill: Program<P, undefined>;
  /** Inputs {@link CachedPrograms.stepInputs}; outputs `logits` [B, V] and what the token adds to the cache, [B, 1, W]. */
  readonly step: Program<P, undefined>;
  readonly stepInputs: Readonly<Record<string, InputSpec>>;
}

/** The two programs; a cache is one tensor [B, C, W] per layer for keys and one for values. */
export function cachedPrograms<P>({ config, length, model, embed }: CachedProgramsOptions<P>): CachedPrograms<P> {
  const cached: InputSpec = { dtype: 'float32', shape: ['batch', length, config.width] };
  const layers = Array.from({ length: config.layers }, (_, layer) => layer);
  return {
    prefill: ({ params, inputs }) => {
      const embeddings = embed(params, inputs['prefix']!);
      const { logits, cache } = gpt2Prefill(model(params), { embeddings }, config, length);
      return { outputs: { logits, ...nameCache(cache) } };
    },
    step: ({ params, inputs }) => {
      const cache = cacheFromNames(inputs, config.layers);
      const step = { ids: inputs['ids']!, positions: inputs['positions']!, cache };
      const { logits, added } = gpt2Step(model(params), step, config);
      return { outputs: { logits, ...nameCache(added) } };
    },
    stepInputs: {
      ids: { dtype: 'int32', shape: ['batch'] },
      positions: { dtype: 'int32', shape: ['batch'] },
      ...Object.fromEntries(
        layers.flatMap(layer => [
          [`key.${layer}`, cached],
          [`value.${layer}`, cached],
        ]),
      ),
    },
  };
}

type Tensors = Readonly<Record<string, HostTensor>>;

/** Runs one of the programs. */
export type RunProgram = (inputs: Tensors) => Promise<Tensors>;

/**
 * Keys and values of one row by their names among the step's inputs: those of its prefix [C, W] and of each token since
 * [1, W]. Beams share what they have in common; it is put together when a step needs it.
 */
interface CacheRow {
  readonly prefix: Tensors;
  readonly added: readonly Tensors[];
}

/** A row to be continued by its newest token. */
export interface StepRow {
  readonly token: number;
  readonly position: number;
  readonly cache: CacheRow;
}

export interface NextRow {
  /** Of the next token, [V]. */
  readonly logits: Float32Array;
  /** Keys and values: [C, W] after a prefix, [1, W] after a token. */
  readonly cache: Tensors;
}

/**
 * The two programs row by row. Rows know nothing of one another: those of different searches, at different positions, may
 * share a call.
 */
export interface CachedRows {
  /** Prefixes without the batch axis, all of one shape. */
  prefill(prefixes: readonly HostTensor[]): Promise<NextRow[]>;
  step(rows: readonly StepRow[]): Promise<NextRow[]>;
}

export function cachedRows(run: { readonly prefill: RunProgram; readonly step: RunProgram }): CachedRows {
  return {
    prefill: async prefixes => nextRows(await run.prefill({ prefix: stack(prefixes) })),
    step: async rows => {
      const column = (values: number[]): HostTensor => ({
        dtype: 'int32',
        shape: [rows.length],
        data: Int32Array.from(values),
      });
      const cached = Object.keys(rows[0]!.cache.prefix).map(name => [name, stackCache(rows, name)]);
      return nextRows(
        await run.step({
          ids: column(rows.map(({ token }) => token)),
          positions: column(rows.map(({ position }) => position)),
          ...Object.fromEntries(cached),
        }),
      );
    },
  };
}

/**
 * Answers the queries of one search (or of several run together), one prefix per search.
 * @param prefixLength positions that a prefix takes
 */
export function cachedNextLogits(
  { prefill, step }: CachedRows,
  prefixes: readonly HostTensor[],
  prefixLength: number,
): NextLogits {
  let caches: readonly CacheRow[] = [];
  return async ({ sequences, parents }) => {
    const position = prefixLength + (sequences[0]?.length ?? 0) - 1;
    if (position < prefixLength) {
      const rows = await prefill(parents.map(parent => prefixes[parent]!));
      caches = rows.map(({ cache }) => ({ prefix: cache, added: [] }));
      return rows.map(({ logits }) => logits);
    }
    const continued = parents.map(parent => caches[parent]!);
    const rows = await step(continued.map((cache, row) => ({ token: sequences[row]!.at(-1)!, position, cache })));
    caches = continued.map(({ prefix, added }, row) => ({ prefix, added: [...added, rows[row]!.cache] }));
    return rows.map(({ logits }) => logits);
  };
}

function nextRows({ logits, ...cache }: Tensors): NextRow[] {
  const columns = Object.entries(cache).map(([name, tensor]) => [name, unstack(tensor)] as const);
  return unstack(logits!).map(({ data }, row) => ({
    logits: data as Float32Array,
    cache: Object.fromEntries(columns.map(([name, rows]) => [name, rows[row]!])),
  }));
}

/** One of the tensors of the caches of all rows, [B, C, W]. */
function stackCache(rows: readonly StepRow[], name: string): HostTensor {
  const all = stack(rows.map(({ cache }) => cache.prefix[name]!));
  const [, length, width] = all.shape as [number, number, number];
  for (const [row, { position, cache }] of rows.entries()) {
    const first = row * length + position - cache.added.length;
    for (const [i, added] of cache.added.entries()) all.data.set(added[name]!.data, (first + i) * width);
  }
  return all;
}

/** Tensors of one shape and type as rows of one. */
function stack(rows: readonly HostTensor[]): HostTensor {
  const { dtype, shape, data } = rows[0]!;
  const stacked = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }[dtype];
  const all = new stacked(rows.length * data.length);
  for (const [index, row] of rows.entries()) all.set(row.data, index * data.length);
  return { dtype, shape: [rows.length, ...shape], data: all };
}

/** The rows of a tensor along its first axis, as views. */
export function unstack({ dtype, shape: [count = 0, ...shape], data }: HostTensor): HostTensor[] {
  const size = data.length / count;
  return Array.from({ length: count }, (_, row) => ({
    dtype,
    shape,
    data: data.subarray(row * size, (row + 1) * size),
  }));
}
