/**
 * A recorded training step of the embedded model's size beside the same in PyTorch, taking turns in one run.
 * Needs a Python with PyTorch for the second half: set PYTHON to it (default python3); without it only Duet is timed.
 */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import * as tf from '@tensorflow/tfjs';
import { float32, sizeOf } from '../src/core/host-tensor.ts';
import { seededRandom } from '../src/core/random.ts';
import { compile } from '../src/engine/index.ts';
import { initialise } from '../src/nn/params.ts';
import { initialState, type Objective, scalarInputs, stepInputs, trainStep } from '../src/train/step.ts';
import { blocksLayer, blocksSpec } from '../src/uvit/transformer-blocks.ts';

const shape = { width: 256, depth: 8, heads: 8, batch: 64, tokens: 75 };
const rounds = 8;

/** Milliseconds of one step. */
type Step = () => Promise<number>;

async function duetStep(): Promise<{ step: Step; parameters: number; close: () => Promise<void> }> {
  const { width, batch, tokens } = shape;
  const config = { ...shape, mlpRatio: 4, qkvBias: false };
  const random = seededRandom(0);
  const params = initialise(blocksSpec(config, 'post'), random);
  const objective: Objective<Parameters<typeof blocksLayer>[0], object> = {
    inputs: {
      x: { dtype: 'float32', shape: [batch, tokens, width] },
      target: { dtype: 'float32', shape: [batch, tokens, width] },
    },
    loss: (weights, _, { x, target }) => ({
      loss: tf.mean(tf.squaredDifference(blocksLayer(weights, x!, shape.heads, 'post'), target!)) as tf.Scalar,
    }),
  };
  const optimizer = { betas: [0.9, 0.98] as [number, number], epsilon: 1e-8, clipNorm: 1 };
  const state = initialState(params);
  const executable = await compile(
    trainStep(objective, params, optimizer as Parameters<typeof trainStep>[2]),
    { state: { ...state }, inputs: stepInputs(objective) },
    { name: 'bench-train-step' },
  );
  const noise = (dimensions: number[]) =>
    float32(
      dimensions,
      Float32Array.from({ length: sizeOf(dimensions) }, () => 2 * random() - 1),
    );
  const feeds = {
    x: noise([batch, tokens, width]),
    target: noise([batch, tokens, width]),
    ...scalarInputs({ stepSize: 1e-4, decay: 1, momentScale: 1, emaDecay: 0.99 }),
  };
  return {
    step: async () => {
      const start = performance.now();
      await executable.run(feeds);
      return performance.now() - start;
    },
    parameters: Object.values(state.params).reduce((total, tensor) => total + sizeOf(tensor.shape), 0),
    close: () => executable.release(),
  };
}

/** The peer process; `undefined` when there is no Python with PyTorch. */
async function torchStep(): Promise<{ step: Step; label: string; close: () => void } | undefined> {
  const { width, depth, heads, batch, tokens } = shape;
  const script = new URL('./peers/train_step.py', import.meta.url).pathname;
  const args = [script, width, depth, heads, batch, tokens, availableParallelism()].map(String);
  const child = spawn(process.env['PYTHON'] ?? 'python3', args, { stdio: ['pipe', 'pipe', 'ignore'] });
  child.on('error', () => {});
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const ready = await lines.next();
  if (ready.done) return undefined;
  return {
    step: async () => {
      child.stdin.write('step\n');
      return Number((await lines.next()).value);
    },
    label: ready.value,
    close: () => child.stdin.end(),
  };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

export async function run(): Promise<void> {
  const duet = await duetStep();
  await duet.step();
  const torch = await torchStep();
  const times = { duet: [] as number[], torch: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    times.duet.push(await duet.step());
    if (torch) times.torch.push(await torch.step());
  }
  await duet.close();
  torch?.close();
  const flops = 6 * duet.parameters * shape.batch * shape.tokens;
  const line = (name: string, values: number[]) => {
    const [middle, best] = [median(values), Math.min(...values)];
    console.log(
      `${name}: median ${middle.toFixed(0)} ms, best ${best.toFixed(0)} ms, ${(flops / middle / 1e6).toFixed(0)} GFLOP/s`,
    );
  };
  console.log(
    `training step, ${(duet.parameters / 1e6).toFixed(1)} M parameters, ${shape.batch} x ${shape.tokens} tokens`,
  );
  line('Duet (recorded, ONNX Runtime fp32)', times.duet);
  if (!torch) {
    console.log('PyTorch: not measured (no Python with torch; set PYTHON)');
    return;
  }
  line(`PyTorch fp32 (${torch.label})`, times.torch);
  console.log(
    `ratio of medians, Duet to PyTorch: ${(median(times.duet) / median(times.torch)).toFixed(2)} (below 1: Duet is faster)`,
  );
}
