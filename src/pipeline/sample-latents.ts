/** The middle of every call: from conditions and seeds to sampled latents, in groups that share their network calls. */
import {
  answerOneByOne,
  createSchedule,
  type Mode,
  type Progress,
  type SampleLatents,
  type SolverOptions,
  sampleRun,
  seededNoise,
  stagesOf,
} from '../sampler/index.ts';
import type { ModelConfig } from './model-config.ts';
import type { Networks } from './networks.ts';

/** Samples that are carried along together; more are done one group after the other. */
const groupSize = 32;

/** One sample to make: its seed and what its mode is given. */
export interface SampleTask {
  readonly seed: number;
  readonly given: SampleLatents;
}

export interface SampleSettings {
  readonly mode: Mode;
  readonly steps: number;
  readonly guidance: number;
  readonly solver: SolverOptions;
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

/** Latents of all tasks, in order. Task i depends on its seed and condition alone. */
export async function sampleLatents(
  networks: Networks,
  diffusion: ModelConfig['diffusion'],
  tasks: readonly SampleTask[],
  settings: SampleSettings,
): Promise<SampleLatents[]> {
  const groups = Math.ceil(tasks.length / groupSize);
  const perGroup = settings.steps * stagesOf(settings.mode).length;
  const results: SampleLatents[] = [];
  for (let group = 0; group < groups; group++) {
    const own = tasks.slice(group * groupSize, (group + 1) * groupSize);
    const place = { done: group * perGroup, total: groups * perGroup };
    results.push(...(await sampleGroup(networks, diffusion, own, settings, place)));
  }
  return results;
}

function sampleGroup(
  networks: Networks,
  { prediction, schedule }: ModelConfig['diffusion'],
  tasks: readonly SampleTask[],
  { mode, steps, guidance, solver, signal, onStep }: SampleSettings,
  place: { readonly done: number; readonly total: number },
): Promise<SampleLatents[]> {
  const { shapes } = networks;
  const common = { mode, steps, guidance, solver, shapes, prediction, schedule: createSchedule(schedule) };
  const runs = tasks.map(({ seed, given }) => sampleRun({ ...common, given, noise: seededNoise(seed, shapes) }));
  const denoised: (SampleLatents | undefined)[] = [];
  const afterStep = async (run: number, progress: Progress): Promise<void> => {
    denoised[run] = progress.denoised;
    if (run < runs.length - 1) return; // the runs go in lockstep: the last one completes the step
    await onStep?.({ step: place.done + progress.step, total: place.total, tasks, denoised });
  };
  return answerOneByOne(runs, (evaluations, options) => networks.predict(evaluations, options), {
    onStep: afterStep,
    ...(signal && { signal }),
  });
}
