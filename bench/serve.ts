/**
 * `npm run bench -- serve [--jobs 32] [--steps 20] [--rounds 2] [--threads N] [--precision fp32]
 * [--model emoji]`: mixed jobs (text to image, image
 * to text, joint; one sample each) that arrive at the same time, done three ways by one loaded model:
 *
 * - one after the other: each job has the machine for itself, the others wait;
 * - by mode: all jobs of a mode share network calls, the modes come one after the other, as in servers whose batches need
 *   one task and one step;
 * - all at once: what Duet does when its calls are simply made concurrently.
 *
 * The ways take turns, in reversed order every other round, so that whatever else the machine does slows all of them.
 */
import { parseArgs } from 'node:util';
import { loadAs } from '../src/pipelines/index.ts';
import type { UniDiffuser } from '../src/pipelines/unidiffuser/unidiffuser.ts';

/** How much quicker all at once has to be than one after the other. */
const floor = 2;

const modes = ['t2i', 'i2t', 'joint'] as const;

interface Job {
  readonly mode: (typeof modes)[number];
  readonly run: () => Promise<unknown>;
}

/** Does all jobs; `finished` is called after each. */
type Way = (jobs: readonly Job[], finished: () => void) => Promise<void>;

interface Timing {
  /** Milliseconds until all jobs were done. */
  readonly total: number;
  /** Milliseconds from the arrival of all jobs to the end of each, ascending. */
  readonly latencies: readonly number[];
}

const together: Way = async (jobs, finished) => {
  await Promise.all(jobs.map(({ run }) => run().then(finished)));
};

const ways: Readonly<Record<string, Way>> = {
  'one after the other': async (jobs, finished) => {
    for (const { run } of jobs) {
      await run();
      finished();
    }
  },
  'by mode': async (jobs, finished) => {
    for (const mode of modes) {
      await together(
        jobs.filter(job => job.mode === mode),
        finished,
      );
    }
  },
  'all at once': together,
};

async function mixedJobs(model: UniDiffuser, count: number, steps: number): Promise<Job[]> {
  const captions = ['a red apple', 'a cat to the left of a dog', 'two stars on a blue background', 'a big tree'];
  const drawn = await Promise.all(captions.map((caption, seed) => model.textToImage(caption, { seed, steps })));
  const pictures = drawn.map(({ samples }) => samples[0]!.image);
  return Array.from({ length: count }, (_, seed) => {
    const mode = modes[seed % modes.length]!;
    const which = Math.floor(seed / modes.length) % captions.length;
    const run = {
      t2i: () => model.textToImage(captions[which]!, { seed, steps }),
      i2t: () => model.imageToText(pictures[which]!, { seed, steps }),
      joint: () => model.joint({ seed, steps }),
    }[mode];
    return { mode, run };
  });
}

async function time(way: Way, jobs: readonly Job[]): Promise<Timing> {
  const latencies: number[] = [];
  const started = performance.now();
  await way(jobs, () => latencies.push(performance.now() - started));
  return { total: performance.now() - started, latencies };
}

export async function run(): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(3),
    options: {
      jobs: { type: 'string', default: '32' },
      steps: { type: 'string', default: '20' },
      rounds: { type: 'string', default: '2' },
      threads: { type: 'string' },
      precision: { type: 'string', default: 'fp32' },
      model: { type: 'string', default: 'emoji' },
    },
  });
  const precision = values.precision === 'int8' ? 'int8' : 'fp32';
  const model = await loadAs('unidiffuser', values.model, {
    precision,
    ...(values.threads && { threads: Number(values.threads) }),
  });
  const jobs = await mixedJobs(model, Number(values.jobs), Number(values.steps));
  await together(jobs.slice(0, 6), () => {}); // every network once, alone and in company
  const timings = new Map(Object.keys(ways).map(name => [name, [] as Timing[]]));
  for (let round = 0; round < Number(values.rounds); round++) {
    const order = Object.entries(ways);
    for (const [name, way] of round % 2 === 0 ? order : order.reverse()) {
      timings.get(name)!.push(await time(way, jobs));
    }
  }
  await model.release();
  console.log(
    `${jobs.length} jobs of ${modes.join(', ')} in turn, ${values.steps} steps, ${values.rounds} rounds, ${precision}`,
  );
  report(timings, jobs.length);
}

function report(timings: ReadonlyMap<string, readonly Timing[]>, jobs: number): void {
  const slowest = timings.get('one after the other')!;
  const ratioOf = (own: readonly Timing[]) => median(own.map(({ total }, round) => slowest[round]!.total / total));
  console.log('| | jobs/s | p50 s | p90 s | p99 s | throughput against one after the other |');
  console.log('| --- | --- | --- | --- | --- | --- |');
  for (const [name, own] of timings) {
    const rate = (1000 * jobs) / median(own.map(({ total }) => total));
    const latencies = own.flatMap(timing => timing.latencies).sort((a, b) => a - b);
    const percentiles = [0.5, 0.9, 0.99].map(share => (quantile(latencies, share) / 1000).toFixed(2));
    console.log(`| ${name} | ${[rate.toFixed(2), ...percentiles, `${ratioOf(own).toFixed(2)}x`].join(' | ')} |`);
  }
  const reached = ratioOf(timings.get('all at once')!);
  console.log(`floor ${floor}x: ${reached >= floor ? 'reached' : 'missed'} (${reached.toFixed(2)}x)`);
  if (reached < floor) process.exitCode = 1;
}

function quantile(ascending: readonly number[], share: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor(share * ascending.length))]!;
}

function median(values: readonly number[]): number {
  return quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}
