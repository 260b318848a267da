/** Other libraries' weights in the cache: as wide as they were, and no wider. */
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isTensorSource, type TensorSource } from '../core/host-tensor.ts';
import { flattenTree } from '../core/tree.ts';
import { readFileTensor } from '../engine/file-tensor.ts';
import { linearSpec } from '../nn/linear.ts';
import { sameNames } from './convert.ts';
import { openConverted } from './converted.ts';
import { saveSafetensors } from './write-safetensors.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'duet-converted-'));
});
afterAll(() => rm(folder, { recursive: true }));

const spec = linearSpec(64, 32);
type Spec = { readonly shape: readonly number[] };
const isSpec = (node: unknown): node is Spec => typeof node === 'object' && node !== null && 'shape' in node;
const values = (count: number) => Float32Array.from({ length: count }, (_, i) => ((i % 41) - 20) / 8); // exact in 8 bits

it.each([
  ['F32', 4],
  ['F16', 2],
  ['BF16', 2],
] as const)('keeps %s at %i bytes a number', async (floats, width) => {
  const source = join(folder, `${floats}.safetensors`);
  const shapes = flattenTree(spec, isSpec);
  const tensors = Object.fromEntries(
    Object.entries(shapes).map(([name, { shape }]) => {
      const data = values(shape.reduce((product, side) => product * side, 1));
      return [name, { dtype: 'float32', shape, data } as const];
    }),
  );
  await saveSafetensors(source, tensors, { floats });
  const cache = join(folder, `cache-${floats}`);
  const params = await openConverted(spec, () => sameNames(spec), source, { name: 'linear', folder: cache });
  const [file] = await readdir(cache);
  const numbers = 64 * 32 + 32;
  expect((await stat(join(cache, file!))).size - numbers * width).toBeLessThan(1024);
  for (const [name, tensor] of Object.entries(flattenTree<TensorSource>(params, isTensorSource))) {
    const read = 'data' in tensor ? tensor : readFileTensor(tensor);
    expect([...read.data], name).toEqual([...tensors[name]!.data]);
  }
});
