/** Sampling as pure code on the host: schedules, solvers, guidance and noise. It knows no family of models. */
export type { DdimOptions } from './ddim.ts';
export { readScheduler, type Scheduler, type SchedulerChoice } from './diffusers-scheduler.ts';
export { parseSchedulerJson } from './diffusers-scheduler-schema.ts';
export { createBetas, discreteTable } from './discrete-schedule.ts';
export type { SinglestepOptions } from './dpm-singlestep.ts';
export { type Guidance, guide } from './guidance.ts';
export { type InversionOptions, invertDdim } from './inversion.ts';
export { createGenerator, type Extent, type NoiseGenerator } from './noise/generator.ts';
export {
  addNoise,
  type Estimate,
  estimate,
  minSnrWeight,
  type PredictionType,
  predictionTarget,
} from './prediction.ts';
export {
  continuousTable,
  cosine,
  type NoiseLevel,
  type Schedule,
  vpLinear,
} from './schedule.ts';
export { createSchedule } from './schedule-config.ts';
export { slerp } from './slerp.ts';
export { firstEvaluation, type SolverOptions, solve } from './solve.ts';
export { checkSteps, type SolverProblem } from './solver.ts';
export {
  hasNoiseSchedule,
  type NoiseSchedule,
  noiseSchedules,
  type SolverName,
  solverNames,
  solverOptions,
} from './solver-names.ts';
export { snap } from './spacing.ts';
