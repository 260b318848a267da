/** How a folder's scheduler_config.json is read for Stable Diffusion, which is not quite what it says. */
import {
  type NoiseSchedule,
  noiseSchedules,
  readScheduler,
  type Scheduler,
  type SchedulerChoice,
  type SolverName,
  solverNames,
} from '../../sampler/index.ts';
import type { StableDiffusionMode } from './calls/table.ts';

type SchedulerFile = Readonly<Record<string, unknown>>;

/**
 * The scheduler for a mode. As diffusers' pipelines do, an offset of steps other than 1 and clamping of latents, which old
 * files ask for by mistake, are corrected; the pipeline for inpainting leaves out PNDM's steps of Runge and Kutta.
 * @throws DuetError 'invalid-config' naming `origin` if it is not known
 */
export function pipelineScheduler(
  file: SchedulerFile,
  mode: StableDiffusionMode,
  origin: string,
  choice: SchedulerChoice = {},
): Scheduler {
  const corrected = {
    ...file,
    steps_offset: 1,
    clip_sample: false,
    ...(mode === 'inpaint' && { skip_prk_steps: true }),
  };
  return readScheduler(corrected, origin, choice);
}

/** The file's solver and the spread of its noise levels, by the names under which users choose them. */
export function schedulerNames(
  file: SchedulerFile,
  origin: string,
): { readonly solver: SolverName; readonly noiseSchedule: NoiseSchedule } {
  const { solver } = readScheduler(file, origin);
  const isStochastic = solver.kind === 'dpm-multistep' && solver.stochastic;
  const sigmas = 'sigmas' in solver ? solver.sigmas : undefined;
  return {
    solver: isStochastic ? 'dpm-multistep-sde' : solverNames.find(name => name === solver.kind)!, // all that files name
    noiseSchedule: noiseSchedules.find(name => name === sigmas) ?? 'uniform',
  };
}
