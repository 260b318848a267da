import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { floats } from '../../test/support/kernel-table.ts';
import { compile } from './index.ts';

const double = ({ inputs }: { inputs: Record<string, tf.Tensor> }) => ({ outputs: { y: inputs['x']!.mul(2) } });
const spec = { inputs: { x: { dtype: 'float32', shape: [2] } } } as const;

const installed = await Promise.any(
  ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'].map(name => import(name)),
).then(
  () => true,
  () => false,
);

describe('device "tensorflow"', () => {
  test.skipIf(installed)('says how to install it where it is not', async () => {
    await expect(compile(double, spec, { device: 'tensorflow' })).rejects.toMatchObject({
      code: 'missing-dependency',
      message: expect.stringMatching(/npm install @tensorflow\/tfjs-node-gpu.*npm install @tensorflow\/tfjs-node"/),
    });
  });

  test.skipIf(!installed)('runs programs where it is', async () => {
    const executable = await compile(double, spec, { device: 'tensorflow' });
    expect([...(await executable.run({ x: floats(1, 2) }))['y']!.data]).toEqual([2, 4]);
    await executable.release();
  });
});

describe('device "reference"', () => {
  test('copies its inputs and restores the backend, also after an error', async () => {
    await tf.setBackend('cpu');
    const kept: tf.Tensor[] = [];
    const executable = await compile(
      ({ inputs: { x } }) => {
        if (x!.dataSync()[0] === 0) throw new Error('zero');
        kept.push(tf.keep(x!.clone()));
        return { outputs: { y: x!.square() } };
      },
      spec,
      { device: 'reference' },
    );
    const x = floats(3, 4);
    const before = tf.memory().numTensors;
    const { y } = await executable.run({ x });
    x.data[0] = 0;
    expect([...y!.data]).toEqual([9, 16]);
    expect([...kept[0]!.dataSync()]).toEqual([3, 4]);
    kept[0]!.dispose();
    await expect(executable.run({ x })).rejects.toThrow('zero');
    expect(tf.memory().numTensors).toBe(before);
    expect(tf.getBackend()).toBe('cpu');
    await executable.release();
  });
});
