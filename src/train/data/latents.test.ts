import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { float32 } from '../../core/host-tensor.ts';
import { compile } from '../../engine/index.ts';
import { cachedLatents, channelStatistics, gatherRows } from './latents.ts';
import type { PairSource } from './source.ts';

let cache: string;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'duet-latents-'));
});
afterEach(() => rm(cache, { recursive: true }));

const side = 2;
const source = (key = 'five'): PairSource => ({
  side,
  size: 5,
  key,
  picture: index => new Uint8Array(side * side * 3).fill(51 * index),
  caption: () => '',
});
let made = 0;
const encoder = () => {
  made++;
  return compile<undefined, undefined>(
    ({ inputs }) => ({ outputs: { mean: tf.mean(inputs['pixels']!, [2, 3]), all: tf.mul(inputs['pixels']!, 2) } }),
    { inputs: { pixels: { dtype: 'float32', shape: ['batch', 3, side, side] } } },
    { device: 'reference' },
  );
};
const weights = (value: number) => ({ w: float32([1], Float32Array.of(value)) });

it('encodes every item once, whatever the batch, and keeps the result for the same weights and data', async () => {
  made = 0;
  const shares: number[] = [];
  const options = { cache, batch: 2, onProgress: (share: number) => shares.push(share) };
  const table = await cachedLatents(source(), weights(1), encoder, options);
  expect(Object.entries(table).map(([name, { shape }]) => [name, shape])).toEqual([
    ['mean', [5, 3]],
    ['all', [5, 3, 2, 2]],
  ]);
  expect([0, 3, 6, 9, 12].map(i => Number(table['mean']!.data[i]!.toFixed(4)))).toEqual([-1, -0.6, -0.2, 0.2, 0.6]);
  expect(shares).toEqual([0.4, 0.8, 1]);
  expect(await cachedLatents(source(), weights(1), encoder, { cache })).toEqual(table);
  expect(made).toBe(1);
  await cachedLatents(source(), weights(2), encoder, { cache });
  await cachedLatents(source('other'), weights(1), encoder, { cache });
  expect([made, (await readdir(cache)).length]).toEqual([3, 3]);
});

it('stops at an abort and leaves nothing', async () => {
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(cachedLatents(source(), weights(1), encoder, { cache, signal })).rejects.toThrow('enough');
  expect(await readdir(cache)).toEqual([]);
});

it('gathers rows and measures channels; a constant one has deviation 1', () => {
  const tensor = float32([2, 2, 2], Float32Array.of(1, 3, 7, 7, 5, 7, 7, 7));
  expect(gatherRows(tensor, [1, 0])).toEqual(Float32Array.of(5, 7, 7, 7, 1, 3, 7, 7));
  const { mean, std } = channelStatistics(tensor, 1);
  expect([...mean, ...std].map(value => Number(value.toFixed(4)))).toEqual([4, 7, 2.2361, 1]);
});
