import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { float32, type HostTensor, sizeOf } from '../core/host-tensor.ts';
import { flattenTree } from '../core/tree.ts';
import { type Gpt2Config, gpt2Spec } from '../lm/index.ts';
import { isParamSpec, zeros } from '../nn/params.ts';
import { type Checkpoint, checkpointOf, openCheckpoint } from './checkpoint.ts';
import { convertCheckpoint, paramsFromCheckpoint, planConversion } from './convert.ts';
import { gpt2Rules } from './names/gpt2.ts';
import { fusedLinear, type NameRule, weightAndBias } from './names/name-map.ts';
import { loadSafetensors } from './safetensors.ts';
import { saveSafetensors, type WriteProgress } from './write-safetensors.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'duet-convert-'));
});
afterAll(() => rm(folder, { recursive: true }));

function counting(shape: readonly number[], from = 0): HostTensor {
  return float32(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, (_, i) => from + i),
  );
}

const spec = { norm: { weight: zeros([2]), bias: zeros([2]) }, qkv: { weight: zeros([2, 4]), bias: zeros([4]) } };
const rules: NameRule[] = [
  ...weightAndBias('norm', 'ln'),
  ...fusedLinear('qkv', ['query', 'value']),
  ...weightAndBias('notThere', 'not_there'),
];
const tensors = {
  'ln.weight': counting([2]),
  'ln.bias': counting([2], 2),
  'query.weight': counting([2, 2], 10),
  'query.bias': counting([2], 20),
  'value.weight': counting([2, 2], 30),
  'value.bias': counting([2], 40),
};

describe('a checkpoint', () => {
  test('becomes a file under our names, tensor by tensor, with progress', async () => {
    const [theirs, ours] = [join(folder, 'theirs.safetensors'), join(folder, 'ours.safetensors')];
    await saveSafetensors(theirs, tensors);
    const progress: WriteProgress[] = [];
    await convertCheckpoint(spec, rules, await openCheckpoint(theirs), ours, {
      metadata: { format: 'duet' },
      onProgress: event => progress.push(event),
    });
    const converted = await loadSafetensors(ours);
    expect(converted.metadata).toEqual({ format: 'duet' });
    expect(converted.tensors).toEqual({
      'norm.weight': tensors['ln.weight'],
      'norm.bias': tensors['ln.bias'],
      'qkv.weight': float32([2, 4], Float32Array.of(10, 12, 30, 32, 11, 13, 31, 33)),
      'qkv.bias': float32([4], Float32Array.of(20, 21, 40, 41)),
    });
    expect(progress.map(({ name, bytes, tensors: done }) => [name, bytes, done])).toEqual([
      ['norm.weight', 8, 1],
      ['norm.bias', 16, 2],
      ['qkv.weight', 48, 3],
      ['qkv.bias', 64, 4],
    ]);
    expect(progress[0]).toMatchObject({ totalTensors: 4, totalBytes: 64 });
  });

  test('that does not fit is refused before anything is read, with every name', () => {
    const { 'query.bias': _, ...others } = tensors;
    const given = { ...others, 'ln.weight': counting([3]), 'value.weight': counting([2, 3]), extra: counting([1]) };
    const checkpoint: Checkpoint = {
      ...checkpointOf('a.bin', given),
      read: () => {
        throw new Error('was read');
      },
    };
    expect(() => planConversion(spec, rules, checkpoint, { mayIgnore: name => name !== 'extra' })).toThrow(
      'a.bin does not fit its configuration: 1 tensors are missing: query.bias (for qkv.bias); ' +
        '2 tensors are of another shape: ln.weight [3] (for norm.weight [2]), ' +
        'query.weight [2, 2] + value.weight [2, 3] (for qkv.weight [2, 4]); 1 tensors are left over: extra',
    );
  });

  test('of integers where floats are needed is refused by name', async () => {
    const integers: HostTensor = { dtype: 'int32', shape: [2], data: new Int32Array(2) };
    const checkpoint = checkpointOf('a.bin', { ...tensors, 'ln.bias': integers });
    await expect(paramsFromCheckpoint(spec, rules, checkpoint)).rejects.toThrow(
      /ln\.bias \(for norm\.bias\) holds int32/,
    );
  });

  test('in the middle of whose conversion the signal aborts leaves nothing behind', async () => {
    const file = join(folder, 'aborted.safetensors');
    const controller = new AbortController();
    const reason = new Error('enough');
    const converting = convertCheckpoint(spec, rules, checkpointOf('memory', tensors), file, {
      signal: controller.signal,
      onProgress: ({ tensors: done }) => done === 2 && controller.abort(reason),
    });
    await expect(converting).rejects.toBe(reason);
    expect((await readdir(folder)).filter(name => name.startsWith('aborted'))).toEqual([]);
  });

  test('whose tensor cannot be read leaves the old file and nothing beside it', async () => {
    const file = join(folder, 'kept.safetensors');
    await saveSafetensors(file, { kept: counting([1]) });
    const broken: Checkpoint = {
      ...checkpointOf('memory', tensors),
      read: async name => {
        if (name === 'value.weight') throw new Error('the disk is gone');
        return tensors[name as keyof typeof tensors];
      },
    };
    await expect(convertCheckpoint(spec, rules, broken, file)).rejects.toThrow('the disk is gone');
    expect(Object.keys((await loadSafetensors(file)).tensors)).toEqual(['kept']);
    expect((await readdir(folder)).filter(name => name.startsWith('kept'))).toEqual(['kept.safetensors']);
  });
});

test('what a killed process left of an unfinished write is removed, what may still be written is not', async () => {
  const file = join(folder, 'model.safetensors');
  const [dead, deadToo] = [4_194_305, 4_194_306]; // above the largest process id that Linux gives
  const names = [dead, deadToo, process.ppid].map(pid => `model.safetensors.${pid}.tmp`);
  for (const name of [...names, `other.${dead}.tmp`]) {
    await writeFile(join(folder, name), 'half');
    await utimes(join(folder, name), 0, 0);
  }
  const elsewhere = `model.safetensors.${deadToo}.tmp`; // of a process on another machine, which is writing
  await utimes(join(folder, elsewhere), new Date(), new Date());
  await saveSafetensors(file, { tensor: counting([1]) });
  const left = (await readdir(folder)).filter(name => name.endsWith('.tmp')).sort();
  expect(left).toEqual([elsewhere, names[2], `other.${dead}.tmp`].sort());
});

test('memory holds one of our tensors at a time, with what it is made of', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const handedOut: WeakRef<HostTensor>[] = [];
  const live = async () => {
    await setImmediate(); // a WeakRef keeps its target until the end of the turn in which it was made or read
    collect();
    return handedOut.filter(reference => reference.deref() !== undefined).length;
  };

  const config: Gpt2Config = {
    vocabularySize: 64,
    positions: 16,
    width: 32,
    layers: 2,
    heads: 2,
    mlpWidth: 64,
    activation: 'tanh',
    epsilon: 1e-5,
  };
  const expected = flattenTree(gpt2Spec(config), isParamSpec);
  const shapes = new Map<string, readonly number[]>();
  for (const { ours, theirs, transform } of gpt2Rules(config)) {
    const { shape } = expected[ours]!;
    shapes.set(`${theirs}`, transform ? [...shape.slice(0, -1), 3 * shape.at(-1)!] : shape);
  }
  const counts: number[] = [];
  const checkpoint: Checkpoint = {
    name: 'a large one',
    shapes,
    read: async name => {
      counts.push(await live());
      const tensor = counting(shapes.get(name)!);
      handedOut.push(new WeakRef(tensor));
      return tensor;
    },
  };
  const file = join(folder, 'bounded.safetensors');
  await convertCheckpoint(gpt2Spec(config), gpt2Rules(config), checkpoint, file);
  expect(counts.length).toBe(Object.keys(expected).length);
  // While a tensor is read, the one before it may still be held by the loop that wrote it.
  expect(Math.max(...counts)).toBeLessThanOrEqual(1);
  expect(Object.keys((await loadSafetensors(file)).tensors).length).toBe(counts.length);
});
