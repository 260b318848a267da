/**
 * The middle of every call: from conditions and seeds to sampled latents. Each sample is a run of its own; the
 * evaluation requests of all runs, of this call and of others, share network calls.
 */
import { createSchedule } from '../../../sampler/index.ts';
import type { ModelConfig } from '../model-config.ts';
import type { Networks } from '../networks/networks.ts';
import {
  countEvaluationRequests,
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

/** Samples of one call that are made at the same time; of more, one group after the other. */
const groupSize = 32;

/** One sample to make: its seed and what its mode is given. */
export interface SampleTask {
  readonly seed: number;
  readonly given: SampleLatents;
  /** @default the noise of the seed */
  readonly noise?: RunNoise;
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
}

export interface GroupStep {
  /** Network evaluations done, of all groups. */
  readonly step: number;
  readonly total: number;
  readonly tasks: readonly SampleTask[];
  readonly denoised: readonly (SampleLatents | undefined)[];
}

/** Network evaluations per sample and group: what `GroupStep.total` will be. Tasks have the same things given. */
export function countSteps(tasks: readonly SampleTask[], settings: SampleSettings): number {
  return Math.ceil(tasks.length / groupSize) * requestsPerSample(tasks, settings);
}

function requestsPerSample([first]: readonly SampleTask[], settings: SampleSettings): number {
  return countEvaluationRequests({ ...settings, given: first?.given ?? {} });
}

/** Latents of all tasks, in order. Task i depends on its seed, noise and condition alone. */
export async function sampleLatents(
  networks: Networks,
  diffusion: ModelConfig['diffusion'],
  tasks: readonly SampleTask[],
  settings: SampleSettings,
): Promise<Sampled[]> {
  const groups = Math.ceil(tasks.length / groupSize);
  const perGroup = requestsPerSample(tasks, settings);
  const results: Sampled[] = [];
  for (let group = 0; group < groups; group++) {
    const own = tasks.slice(group * groupSize, (group + 1) * groupSize);
    const place = { done: group * perGroup, total: groups * perGroup };
    results.push(...(await sampleGroup(networks, diffusion, own, settings, place)));
  }
  return results;
}

async function sampleGroup(
  networks: Networks,
  { prediction, schedule }: ModelConfig['diffusion'],
  tasks: readonly SampleTask[],
  { signal, onStep, priority = 0, ...request }: SampleSettings,
  place: { readonly done: number; readonly total: number },
): Promise<Sampled[]> {
  const { shapes } = networks;
  const common = { ...request, shapes, prediction, schedule: createSchedule(schedule) };
  const runs = tasks.map(({ seed, given, noise }) =>
    sampleRun({ ...common, given, noise: noise ?? seededNoise(seed, shapes) }),
  );
  const denoised: (SampleLatents | undefined)[] = [];
  const steps = runs.map(() => 0);
  let reported = 0;
  const afterStep = async (run: number, progress: Progress): Promise<void> => {
    denoised[run] = progress.denoised;
    steps[run] = progress.step;
    const step = Math.min(...steps);
    if (step === reported) return; // the last run completes the step
    reported = step;
    await onStep?.({ step: place.done + step, total: place.total, tasks, denoised });
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
