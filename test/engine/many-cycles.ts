/**
 * Compiles, runs and releases programs of about 4 MB of weights 200 times, then prints the resident memory (MB) of
 * this process and of the inference process after the first 50 cycles and at the end. Run in a process of its own by memory.test.ts, which also watches that it ends by itself.
 */
import type * as tf from '@tensorflow/tfjs';
import { compile, sessionHost } from '../../src/engine/index.ts';

const weight = { dtype: 'float32', shape: [1024, 1024], data: new Float32Array(1024 * 1024).fill(0.001) } as const;
const x = { dtype: 'float32', shape: [2, 1024], data: new Float32Array(2048).fill(1) } as const;

async function cycle(): Promise<void> {
  const executable = await compile<{ weight: tf.Tensor }, { seen: tf.Tensor }>(
    ({ params, state, inputs: { x } }) => {
      const y = x!.matMul(params.weight);
      return { outputs: { y: y.relu() }, state: { seen: state.seen.add(y.sum()) } };
    },
    {
      params: { weight },
      state: { seen: { dtype: 'float32', shape: [], data: new Float32Array(1) } },
      inputs: { x: { dtype: 'float32', shape: ['batch', 1024] } },
    },
    { threads: 1 },
  );
  await executable.run({ x });
  await executable.run({ x });
  await executable.readState();
  await executable.release();
}

async function residentMegabytes(): Promise<number> {
  globalThis.gc?.();
  await new Promise(resolve => setTimeout(resolve, 50));
  globalThis.gc?.();
  return (process.memoryUsage().rss + sessionHost.status.residentBytes!) / 2 ** 20;
}

const marks: number[] = [];
for (let i = 1; i <= 200; i++) {
  await cycle();
  if (i === 50 || i === 200) marks.push(await residentMegabytes());
}
console.log(JSON.stringify(marks));
