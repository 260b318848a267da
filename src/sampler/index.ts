/** Sampling: schedules, solvers, modes and noise, as pure code on the host. A run asks; a driver answers. */
export { answerOneByOne, type Predict } from './answer.ts';
export { stackEvaluations, unstackPredictions } from './batch.ts';
export type { DdimOptions } from './ddim.ts';
export type { MultistepOptions } from './dpm-multistep.ts';
export type { SinglestepOptions } from './dpm-singlestep.ts';
export type { Kept, KeptPart } from './keep.ts';
export type { ImageLatents, LatentShapes, Part, SampleLatents } from './latents.ts';
export { type Modality, type Mode, type RunMode, roles, type SingleMode, stagesOf } from './modes.ts';
export { createGenerator, type Extent } from './noise/generator.ts';
export { type RunNoise, seededNoise } from './noise/run-noise.ts';
export type { PartialStart } from './partial.ts';
export { addNoise, estimate, minSnrWeight, type PredictionType, predictionTarget } from './prediction.ts';
export {
  countQueries,
  type Evaluation,
  type Prediction,
  type Progress,
  type Sampled,
  type SampleRequest,
  type SampleRun,
  sampleRun,
} from './sample.ts';
export {
  type BetaOptions,
  continuousTable,
  cosine,
  createBetas,
  createSchedule,
  type NoiseLevel,
  type Schedule,
  vpLinear,
  wholeTable,
} from './schedule.ts';
export { slerp } from './slerp.ts';
export { type SolverOptions, solve } from './solve.ts';
