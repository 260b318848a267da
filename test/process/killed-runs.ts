/**
 * Kills the inference process with SIGKILL in the middle of a run, as often as the second argument says, and prints what it
 * saw. Run by deaths.test.ts in a process of its own; the first argument is the folder of the built engine.
 */
import type * as tf from '@tensorflow/tfjs';
import type { Program } from '../../src/engine/index.ts';

const [folder = '', times = '1'] = process.argv.slice(2);
const { compile, sessionHost }: typeof import('../../src/engine/index.ts') = await import(
  `${folder}/src/engine/index.js`
);

/** A chain of matrix products: seconds on one core, so that no delay of this process lets it end before the kill. */
const long: Program<unknown, unknown> = ({ inputs }) => {
  let y: tf.Tensor = inputs['x']!;
  for (let i = 0; i < 400; i++) y = y.matMul(inputs['x']!).mul(0.01);
  return { outputs: { y: y.sum() } };
};
const short: Program<unknown, unknown> = ({ inputs }) => ({ outputs: { y: inputs['x']!.sum() } });
const spec = { inputs: { x: { dtype: 'float32', shape: [384, 384] } } } as const;
const x = { dtype: 'float32', shape: [384, 384], data: new Float32Array(384 * 384).fill(0.5) } as const;

const [slow, quick] = [await compile(long, spec, { threads: 1 }), await compile(short, spec, { threads: 1 })];
const expected = 0.5 * 384 * 384;

interface Leftovers {
  readonly heap: number;
  readonly handles: number;
  readonly listeners: number;
}

/** Looks in a row, 20 ms apart, that find no fewer handles. */
const looks = 50;

/** The fewest handles: pipes of a process that died close some time after its end is known, on a busy machine later. */
async function settledHandles(): Promise<number> {
  let fewest = Number.POSITIVE_INFINITY;
  for (let look = 0; look < looks; look++) {
    const found = process.getActiveResourcesInfo().length;
    if (found < fewest) {
      fewest = found;
      look = 0;
    }
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  return fewest;
}

async function leftovers(): Promise<Leftovers> {
  const handles = await settledHandles();
  globalThis.gc?.();
  return {
    heap: process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers,
    handles,
    listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
  };
}

/** Runs that were sent so far. */
let sent = 0;
const send = sessionHost.send.bind(sessionHost);
sessionHost.send = (request, signal) => {
  if (request.kind === 'run') sent++;
  return send(request, signal);
};

let refused = 0;
let right = 0;
const pids = new Set<number>();
let first: Leftovers | undefined;
for (let i = 0; i < Number(times); i++) {
  const answer = await quick.run({ x });
  if (answer['y']!.data[0] === expected) right++;
  const running = Promise.allSettled([slow.run({ x }), slow.run({ x })]);
  const before = sent;
  while (sent < before + 2) await new Promise(resolve => setTimeout(resolve, 1));
  // At another moment of the run each time.
  await new Promise(resolve => setTimeout(resolve, i % 20));
  const { pid } = sessionHost.status;
  pids.add(pid!);
  process.kill(pid!, 'SIGKILL');
  for (const result of await running) {
    if (result.status === 'rejected' && result.reason.code === 'worker-died') refused++;
  }
  if (i === 9) first = await leftovers();
}
const last = await leftovers();
const alive = [...pids].filter(pid => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
});
const { deaths } = sessionHost.status;
console.log(JSON.stringify({ right, refused, deaths, pids: pids.size, alive: alive.length, first, last }));
