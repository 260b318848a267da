/** Precision int8: how far off it is, what it leaves alone, and what it refuses. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { expectClose, wave } from '../../../test/support/kernel-table.ts';
import { float32, type HostTensor } from '../../core/host-tensor.ts';
import { seededRandom } from '../../core/random.ts';
import { linear } from '../../ops/index.ts';
import { openSafetensors } from '../../weights/safetensors.ts';
import { saveSafetensors } from '../../weights/write-safetensors.ts';
import { type CompileSpec, compile, type Precision, type Program, type Sources, sessionHost } from '../index.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'duet-int8-'));
});
afterAll(() => rm(folder, { recursive: true }));

interface Layer {
  weight: tf.Tensor;
  bias?: tf.Tensor;
}

const layer: Program<Layer, unknown> = ({ params, inputs }) => ({
  outputs: { y: linear(inputs['x']!, params.weight, params.bias) },
});

function noise(shape: readonly number[], seed: number): HostTensor {
  const random = seededRandom(seed);
  const size = shape.reduce((a, b) => a * b, 1);
  return float32(
    shape,
    Float32Array.from({ length: size }, () => random() + random() + random() - 1.5),
  );
}

async function run(params: Sources<Layer>, x: HostTensor, precision: Precision): Promise<HostTensor> {
  const spec: CompileSpec<Layer> = {
    params,
    inputs: { x: { dtype: 'float32', shape: ['batch', ...x.shape.slice(1)] } },
  };
  const executable = await compile(layer, spec, { precision, name: 'layer' });
  const { y } = await executable.run({ x });
  await executable.release();
  return y!;
}

const largest = ({ data }: HostTensor) => Math.max(...[...data].map(Math.abs));

describe('precision int8', () => {
  test('is within two hundredths of the largest value, for weights in memory and in files of either width', async () => {
    const params = { weight: noise([256, 192], 1), bias: noise([192], 2) };
    const x = noise([3, 5, 256], 3);
    const exact = await run(params, x, 'fp32');
    const tolerance = 0.02 * largest(exact);
    expectClose(await run(params, x, 'int8'), exact, tolerance, 'in memory');
    for (const floats of ['F32', 'F16'] as const) {
      const file = join(folder, `${floats}.safetensors`);
      await saveSafetensors(file, params, { floats });
      const { weight, bias } = (await openSafetensors(file)).tensors;
      expectClose(await run({ weight: weight!, bias: bias! }, x, 'int8'), exact, tolerance, floats);
    }
  });

  test('multiplies whole numbers: what has few values is exact, each feature on its own scale', async () => {
    // Weights -127..127 in steps of a feature's own scale; the input uses both ends of its 8 bits.
    const features = 192;
    const scale = (feature: number) => 10 ** -(feature % 9);
    const weight = new Float32Array(192 * features).map((_, i) => (((7 * i) % 255) - 127) * scale(i % features));
    for (let feature = 0; feature < features; feature++) weight[feature] = 127 * scale(feature);
    const x = new Float32Array(2 * 192).map((_, i) => (i === 0 ? 255 : (11 * i) % 256));
    const params = { weight: float32([192, features], weight) };
    const exact = await run(params, float32([2, 192], x), 'fp32');
    const rounded = await run(params, float32([2, 192], x), 'int8');
    for (const [i, value] of rounded.data.entries()) {
      expect(Math.abs(value - exact.data[i]!)).toBeLessThanOrEqual(1e-5 * 192 * 127 * 255 * scale(i % features));
    }
  });

  test('keeps features without weights at zero, and any input finite', async () => {
    const zeros = { weight: float32([200, 200], new Float32Array(200 * 200)) };
    expect(largest(await run(zeros, wave([2, 200]), 'int8'))).toBe(0);
    const weight = noise([192, 192], 4);
    await fc.assert(
      fc.asyncProperty(fc.double({ min: -8, max: 8, noNaN: true }), fc.nat(50), async (exponent, seed) => {
        const x = noise([1, 192], seed);
        const scaled = float32(x.shape, x.data.map(value => value * 10 ** exponent) as Float32Array);
        const exact = await run({ weight }, scaled, 'fp32');
        expectClose(await run({ weight }, scaled, 'int8'), exact, 0.03 * largest(exact), `10^${exponent}`);
      }),
      { numRuns: 6 },
    );
  });

  test('leaves narrow layers and other products as they are', async () => {
    const x = noise([4, 256], 5);
    const narrow = { weight: noise([256, 191], 6) };
    expect(await run(narrow, x, 'int8')).toEqual(await run(narrow, x, 'fp32'));
    const product: Program<Layer, unknown> = ({ params, inputs }) => ({
      outputs: {
        y: tf.matMul(inputs['x']!, inputs['x']!, true, false),
        z: tf.matMul(inputs['x']!, params.weight, false, true),
      },
    });
    const spec: CompileSpec<Layer> = {
      params: { weight: noise([200, 256], 7) },
      inputs: { x: { dtype: 'float32', shape: [4, 256] } },
    };
    const results = [];
    for (const precision of ['fp32', 'int8'] as const) {
      const executable = await compile(product, spec, { precision });
      results.push(await executable.run({ x }));
      await executable.release();
    }
    expect(results[1]).toEqual(results[0]);
  });

  test('does not send weights of a file to the worker', async () => {
    const file = join(folder, 'mapped.safetensors');
    await saveSafetensors(file, { weight: noise([256, 192], 8) });
    const send = vi.spyOn(sessionHost, 'send');
    const { weight } = (await openSafetensors(file)).tensors;
    await run({ weight: weight! }, noise([1, 256], 9), 'int8');
    const put = send.mock.calls.flatMap(([request]) => (request.kind === 'put' ? Object.keys(request.tensors) : []));
    expect(put).toEqual([]);
    vi.restoreAllMocks();
  });

  test('is refused where there is none', async () => {
    const spec: CompileSpec<Layer> = { params: { weight: noise([1, 1], 1) }, inputs: {} };
    await expect(compile(layer, spec, { precision: 'int8', device: 'reference' })).rejects.toMatchObject({
      code: 'invalid-argument',
      message: 'Precision int8 is for the device cpu; reference computes in fp32',
    });
  });
});
