/** Sampling as pure code on the host: schedules, solvers, guidance and noise. It knows no family of models. */
export type { DdimOptions } from './ddim.ts';
export type { MultistepOptions } from './dpm-multistep.ts';
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
  type BetaOptions,
  continuousTable,
  cosine,
  createBetas,
  createSchedule,
  discreteTable,
  type NoiseLevel,
  type Schedule,
  vpLinear,
} from './schedule.ts';
export { slerp } from './slerp.ts';
export { type SolverOptions, solve } from './solve.ts';
export { checkSteps, type SolverProblem } from './solver.ts';
export { snap } from './spacing.ts';
