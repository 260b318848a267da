export { type AnswerOptions, answerOneByOne, type Predict } from './answer.ts';
export { type NetworkInputs, type NetworkParts, stackEvaluations, unstackPredictions } from './batch.ts';
export type { DdimOptions } from './ddim.ts';
export type { MultistepOptions } from './dpm-multistep.ts';
export type { SinglestepOptions } from './dpm-singlestep.ts';
export { type Guidance, guide } from './guidance.ts';
export type { ImageLatents, LatentShapes, Latents, Part, SampleLatents } from './latents.ts';
export {
  chains,
  type Modality,
  type Mode,
  modes,
  neededBy,
  type Role,
  type Roles,
  roles,
  type SingleMode,
  stagesOf,
} from './modes.ts';
export { createGenerator, type Extent, type GeneratorState, type NoiseGenerator } from './noise/generator.ts';
export { type RunNoise, seededNoise } from './noise/run-noise.ts';
export {
  addNoise,
  type Estimate,
  estimate,
  minSnrWeight,
  type PredictionType,
  predictionTarget,
} from './prediction.ts';
export {
  type Evaluation,
  GIVEN_TIME,
  IGNORED_TIME,
  type Prediction,
  type Progress,
  type Query,
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
  type ScheduleConfig,
  vpLinear,
  wholeTable,
} from './schedule.ts';
export { type SolverOptions, solve } from './solve.ts';
export type { Algorithm, Solver, SolverPoint, SolverProblem } from './solver.ts';
