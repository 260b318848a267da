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
  /** Inputs {@link CachedPrograms.stepInputs}; outputs as `prefill`. */
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
      const next = gpt2Step(model(params), step, config);
      return { outputs: { logits: next.logits, ...nameCache(next.cache) } };
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
 * Answers the queries of one search (or of several run together) over the rows of `prefix`.
 * @param prefix the prefill program's input, its first axis one row per search
 * @param prefixLength positions that the prefix takes
 */
export function cachedNextLogits(
  run: { readonly prefill: RunProgram; readonly step: RunProgram },
  prefix: HostTensor,
  prefixLength: number,
): NextLogits {
  let cache: Tensors = {};
  // Searches end at different times; steps keep the largest number of rows so that one recorded graph serves them all.
  let rows = 0;
  return async ({ sequences, parents }) => {
    const generated = sequences[0]?.length ?? 0;
    if (generated === 0) {
      const { logits, ...filled } = await run.prefill({ prefix });
      cache = filled;
      return rowsOf(logits!, parents);
    }
    rows = Math.max(rows, sequences.length);
    const padded = Array.from({ length: rows }, (_, row) => parents[row] ?? 0);
    const ids = Int32Array.from(padded, (_, row) => sequences[row]?.at(-1) ?? 0);
    const positions = new Int32Array(rows).fill(prefixLength + generated - 1);
    const { logits, ...next } = await run.step({
      ids: { dtype: 'int32', shape: [rows], data: ids },
      positions: { dtype: 'int32', shape: [rows], data: positions },
      ...Object.fromEntries(Object.entries(cache).map(([name, tensor]) => [name, takeRows(tensor, padded)])),
    });
    cache = next;
    return rowsOf(
      logits!,
      sequences.map((_, row) => row),
    );
  };
}

/** Rows of a tensor along its first axis, in the order of `indices`. */
function takeRows({ dtype, shape, data }: HostTensor, indices: readonly number[]): HostTensor {
  const size = data.length / shape[0]!;
  const taken = new Float32Array(indices.length * size);
  indices.forEach((index, row) => {
    taken.set(data.subarray(index * size, (index + 1) * size), row * size);
  });
  return { dtype, shape: [indices.length, ...shape.slice(1)], data: taken };
}

function rowsOf({ shape, data }: HostTensor, indices: readonly number[]): Float32Array[] {
  const width = shape[1]!;
  return indices.map(index => (data as Float32Array).slice(index * width, (index + 1) * width));
}
