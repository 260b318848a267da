import { mkdtemp, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { bools, expectClose, ints, wave } from '../../test/support/kernel-table.ts';
import type { FileTensor } from '../core/host-tensor.ts';
import { loadSafetensors, openSafetensors } from '../weights/safetensors.ts';
import { saveSafetensors } from '../weights/write-safetensors.ts';
import { readFileTensor } from './file-tensor.ts';
import { type CompileSpec, compile, type Device, type Program, sessionHost } from './index.ts';
import { record } from './recorder/record.ts';

let folder: string;
let file: string;
const tensors = {
  'layer.weight': wave([256, 64]),
  'layer.bias': wave([64], 1),
  flags: bools([3], 1, 0, 1),
  ids: ints([3], 5, 0, 2),
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'duet-weights-'));
  file = join(folder, 'model.safetensors');
  await saveSafetensors(file, tensors);
});
afterAll(() => rm(folder, { recursive: true }));

interface Params {
  layer: { weight: tf.Tensor; bias: tf.Tensor };
  flags: tf.Tensor;
  ids: tf.Tensor;
  scale: tf.Tensor;
}

const program: Program<Params, unknown> = ({ params, inputs }) => ({
  outputs: {
    y: inputs['x']!.matMul(params.layer.weight).add(params.layer.bias).mul(params.scale),
    picked: inputs['x']!.gather(params.ids as tf.Tensor1D, 1).where(params.flags, 0),
  },
});

/** Weights of a file, and one given as a value. */
async function spec(): Promise<CompileSpec<Params>> {
  const { tensors: mapped } = await openSafetensors(file);
  return {
    params: {
      layer: { weight: mapped['layer.weight']!, bias: mapped['layer.bias']! },
      flags: mapped['flags']!,
      ids: mapped['ids']!,
      scale: wave([64], 2),
    },
    inputs: { x: { dtype: 'float32', shape: ['batch', 256] } },
  };
}

describe('weights in a .safetensors file', () => {
  test('stay in the file: neither the graph nor a message to the worker holds them', async () => {
    vi.stubEnv('DUET_CACHE', folder);
    const send = vi.spyOn(sessionHost, 'send');
    const x = wave([2, 256], 3);
    const run = async (device: Device) => {
      const executable = await compile(program, await spec(), { device, name: 'mapped' });
      const outputs = await executable.run({ x });
      await executable.release();
      return outputs;
    };
    const actual = await run('cpu');
    const put = send.mock.calls.flatMap(([request]) => (request.kind === 'put' ? Object.keys(request.tensors) : []));
    expect(put).toEqual(['params/scale']);
    const expected = await run('reference');
    expectClose(actual['y']!, expected['y']!, 1e-5, 'y');
    expectClose(actual['picked']!, expected['picked']!, 0, 'picked');
    const [graph] = await readdir(join(folder, 'graphs'));
    const { size } = await stat(join(folder, 'graphs', graph!));
    expect(size).toBeLessThan(4096);
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
  });

  test('in half precision stay there too, and are the same numbers on every device', async () => {
    const half = join(folder, 'half.safetensors');
    const weight = wave([32, 8]);
    await saveSafetensors(half, { weight }, { floats: 'F16' });
    const { weight: mapped } = (await openSafetensors(half)).tensors;
    const { weight: loaded } = (await loadSafetensors(half)).tensors;
    expect(mapped).toMatchObject({
      dtype: 'float32',
      storedAs: 'float16',
      shape: [32, 8],
      file: half,
      byteLength: 512,
    });
    const identity = wave([32, 32]);
    identity.data.fill(0);
    for (let i = 0; i < 32; i++) identity.data[33 * i] = 1;
    const product: Program<{ weight: tf.Tensor }, unknown> = ({ params, inputs }) => ({
      outputs: { y: inputs['x']!.matMul(params.weight) },
    });
    for (const device of ['cpu', 'reference'] as const) {
      const x = { dtype: 'float32', shape: ['batch', 32] } as const;
      const executable = await compile(product, { params: { weight: mapped! }, inputs: { x } }, { device });
      expectClose((await executable.run({ x: identity }))['y']!, loaded!, 0, device);
      await executable.release();
    }
  });

  test.each([
    ['float16', [0x3c00, 0xc100, 0x0001], [1, -2.5, 2 ** -24]],
    ['bfloat16', [0x3f80, 0xc020, 0x3eab], [1, -2.5, 0.333984375]],
  ] as const)('as %s are widened when the graph is loaded', async (storedAs, bits, values) => {
    const raw = join(folder, storedAs);
    await writeFile(raw, new Uint8Array(Uint16Array.from(bits).buffer));
    const bias: FileTensor = { dtype: 'float32', storedAs, shape: [3], file: raw, offset: 0, byteLength: 6 };
    const sum: Program<{ bias: tf.Tensor }, unknown> = ({ params, inputs }) => ({
      outputs: { y: inputs['x']!.add(params.bias) },
    });
    for (const device of ['cpu', 'reference'] as const) {
      const x = { dtype: 'float32', shape: ['batch', 3] } as const;
      const executable = await compile(sum, { params: { bias }, inputs: { x } }, { device });
      const zeros = { dtype: 'float32', shape: [1, 3], data: new Float32Array(3) } as const;
      expect([...(await executable.run({ x: zeros }))['y']!.data]).toEqual([...values]);
      await executable.release();
    }
  });

  test.each(['float16', 'bfloat16'] as const)('as %s give rows without being widened whole', async storedAs => {
    const raw = join(folder, `rows-${storedAs}`);
    await writeFile(raw, new Uint8Array(Uint16Array.from([0, 0x3c00, 0x3f80, 0x4000, 0xc100, 0x0001]).buffer));
    const table: FileTensor = { dtype: 'float32', storedAs, shape: [3, 2], file: raw, offset: 0, byteLength: 12 };
    const rows: Program<{ table: tf.Tensor }, unknown> = ({ params, inputs }) => ({
      outputs: { y: tf.gather(params.table, inputs['ids']!) },
    });
    const spec = { params: { table }, inputs: { ids: { dtype: 'int32', shape: ['batch'] } } } as const;
    const { nodes } = record('rows', rows, spec, { ids: [2] }).model;
    expect(nodes.find(({ opType }) => opType === 'Gather')?.inputs[0]).toBe('params/table');
    const ids = { dtype: 'int32', shape: [2], data: Int32Array.of(2, 0) } as const;
    const got: number[][] = [];
    for (const device of ['cpu', 'reference'] as const) {
      const executable = await compile(rows, spec, { device });
      got.push([...(await executable.run({ ids }))['y']!.data]);
      await executable.release();
    }
    const all = [...readFileTensor(table).data];
    expect(got).toEqual([0, 1].map(() => [...all.slice(4), ...all.slice(0, 2)]));
  });

  test('of two folders in one program are refused', async () => {
    const elsewhere: FileTensor = { dtype: 'float32', shape: [1], file: '/elsewhere/b', offset: 0, byteLength: 4 };
    const params = { a: { ...elsewhere, file: '/somewhere/a' }, b: elsewhere };
    await expect(compile(() => ({ outputs: {} }), { params, inputs: {} })).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringMatching(/one folder.*somewhere.*elsewhere/),
    });
  });

  test('cannot be state', async () => {
    const { tensors: mapped } = await openSafetensors(file);
    const executable = await compile<unknown, { bias: tf.Tensor }>(
      ({ state }) => ({ outputs: {}, state: { bias: state.bias.add(1) } }),
      { state: { bias: mapped['layer.bias']! }, inputs: {} },
    );
    await expect(executable.run({})).rejects.toThrow(/State "bias" must be given as values/);
    await executable.release();
  });

  test('that are missing or cut off are named', async () => {
    const gone = join(folder, 'gone.safetensors');
    await saveSafetensors(gone, tensors);
    const { tensors: mapped } = await openSafetensors(gone);
    await truncate(gone, 1024);
    const params = { weight: mapped['layer.weight']! };
    const sum: Program<{ weight: tf.Tensor }, unknown> = ({ params }) => ({ outputs: { y: params.weight.sum() } });
    await expect(compile(sum, { params, inputs: {} }, { device: 'reference' })).rejects.toThrow(/gone.*ends before/);
    const executable = await compile(sum, { params, inputs: {} });
    await expect(executable.run({})).rejects.toMatchObject({
      code: 'invalid-weights',
      message: expect.stringMatching(/gone.*ends after 1024 bytes/),
    });
    await rm(gone);
    await expect(executable.run({})).rejects.toMatchObject({ code: 'invalid-weights' });
    await executable.release();
    expect(() => readFileTensor(params.weight as FileTensor)).toThrow(/gone/);
  });
});
