/**
 * The middle of every call: from conditions and seeds to sampled latents. Each sample is a run of its own; the
 * evaluation requests of all runs, of this call and of others, share network calls.
 */
import { createSchedule } from '../../../sampler/index.ts';
import type { DiffusionConfig } from '../diffusion-config.ts';
import type { Networks } from '../networks/networks.ts';
import {
  countEvaluationRequests,
  type Pair,
  type PartialStart,
  type Predict,
  type Progress,
  type RunNoise,
  runInLockstep,
  type Sampled,
  type SampleLatents,
  type SampleRequest,
  type SampleRun,
  sampleRun,
  seededNoise,
} from './index.ts';

/**
 * Samples of one call that are under way at the same time; more are done one group after the other, so that the first ones
 * are finished early. With guidance they are 16 rows of a network call, beyond which a CPU gains little.
 */
export const groupSize = 8;

/** One sample to make: its seed and what its mode is given. */
export interface SampleTask {
  readonly seed: number;
  readonly given: SampleLatents;
  /** @default the noise of the seed */
  readonly noise?: RunNoise;
  /** What it starts from. @default what all samples of the call start from */
  readonly start?: PartialStart;
}

/** What all samples of a call share. */
type CommonRequest = Pick<
  SampleRequest,
  'mode' | 'steps' | 'solver' | 'rounds' | 'inversion' | 'known' | 'negative' | 'start'
>;

export interface SampleSettings extends CommonRequest {
  readonly guidance: number;
  /** Of calls at the same time, the one with the highest priority is served first. @default 0 */
  readonly priority?: number;
  readonly signal?: AbortSignal;
  /** Called after each step of a group with the clean estimates of its samples, in order. */
  readonly onStep?: (step: GroupStep) => void | Promise<void>;
  /** Of Gibbs sampling: called whenever all chains of a group have finished another pair, except for their last ones. */
  readonly onPairs?: (pairs: GroupPairs) => Promise<void>;
}

/** Some neighbouring tasks. */
interface Group {
  /** The number of tasks in front of them. */
  readonly first: number;
  readonly tasks: readonly SampleTask[];
}

export interface SampledGroup extends Group {
  /** Latents of its tasks, in order. */
  readonly sampled: readonly Sampled[];
}

export interface GroupPairs extends Group {
  /** Number of the pair in each chain, from 0. */
  readonly round: number;
  /** One of each task. */
  readonly pairs: readonly Pair[];
}

export interface GroupStep extends Group {
  /** Network evaluations done, of all groups. */
  readonly step: number;
  readonly total: number;
  readonly denoised: readonly (SampleLatents | undefined)[];
  /** Of Gibbs sampling: finished pairs of each chain; otherwise 0. */
  readonly finishedPairs: number;
}

/** Network evaluations per sample and group: what `GroupStep.total` will be. Tasks have the same things given. */
export function countSteps(diffusion: DiffusionConfig, tasks: readonly SampleTask[], settings: CommonRequest): number {
  return Math.ceil(tasks.length / groupSize) * requestsPerSample(diffusion, tasks, settings);
}

function requestsPerSample(
  { schedule }: DiffusionConfig,
  [first]: readonly SampleTask[],
  settings: CommonRequest,
): number {
  const start = first?.start ?? settings.start;
  return countEvaluationRequests({
    ...settings,
    ...(start && { start }),
    schedule: createSchedule(schedule),
    given: first?.given ?? {},
  });
}

/** Latents of all tasks, in order, group by group. Task i depends on its seed, noise and condition alone. */
export async function* sampleGroups(
  networks: Networks,
  diffusion: DiffusionConfig,
  tasks: readonly SampleTask[],
  settings: SampleSettings,
): AsyncGenerator<SampledGroup, void> {
  const groups = Math.ceil(tasks.length / groupSize);
  const perGroup = requestsPerSample(diffusion, tasks, settings);
  for (let index = 0; index < groups; index++) {
    const first = index * groupSize;
    const group = { first, tasks: tasks.slice(first, first + groupSize) };
    const place = { done: index * perGroup, total: groups * perGroup };
    yield { ...group, sampled: await sampleGroup(networks, diffusion, group, settings, place) };
  }
}

/** The same all at once. */
export async function sampleLatents(...args: Parameters<typeof sampleGroups>): Promise<Sampled[]> {
  const results: Sampled[] = [];
  for await (const { sampled } of sampleGroups(...args)) results.push(...sampled);
  return results;
}

async function sampleGroup(
  networks: Networks,
  { prediction, schedule }: DiffusionConfig,
  group: Group,
  { signal, onStep, onPairs, priority = 0, ...request }: SampleSettings,
  place: { readonly done: number; readonly total: number },
): Promise<Sampled[]> {
  const { shapes } = networks;
  const { tasks } = group;
  const common = { ...request, shapes, prediction, schedule: createSchedule(schedule) };
  const runs = tasks.map(({ seed, given, noise = seededNoise(seed, shapes), start }) =>
    sampleRun({ ...common, given, noise, ...(start && { start }) }),
  );
  const denoised: (SampleLatents | undefined)[] = [];
  const steps = runs.map(() => 0);
  const pairs: (readonly Pair[])[] = runs.map(() => []);
  let reported = 0;
  let finishedPairs = 0;
  const afterStep = async (run: number, progress: Progress): Promise<void> => {
    denoised[run] = progress.denoised;
    pairs[run] = progress.pairs ?? [];
    steps[run] = progress.step;
    const step = Math.min(...steps);
    if (step === reported) return; // the last run completes the step
    reported = step;
    for (const least = Math.min(...pairs.map(own => own.length)); finishedPairs < least; finishedPairs++) {
      const round = finishedPairs;
      await onPairs?.({ ...group, round, pairs: pairs.map(own => own[round]!) });
    }
    await onStep?.({ ...group, step: place.done + step, total: place.total, denoised, finishedPairs });
  };
  const failed = new AbortController();
  const stop = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  const carry = async (run: SampleRun, index: number): Promise<Sampled> => {
    const predict: Predict = evaluations => networks.predict(evaluations, { signal: stop, priority });
    const onRunStep = (_: number, progress: Progress) => afterStep(index, progress);
    const [sampled] = await runInLockstep([run], predict, { signal: stop, onStep: onRunStep });
    return sampled!;
  };
  try {
    return await Promise.all(runs.map(carry));
  } catch (error) {
    failed.abort(error);
    throw error;
  }
}
