/** UniDiffuser's sampling runs: modes, guidance and noise of joint samples. A run asks; a driver answers. */
export { answerOneByOne, type Predict } from './answer.ts';
export { stackEvaluations, unstackPredictions } from './batch.ts';
export { measureFamiliarity } from './familiarity.ts';
export type { Kept, KeptPart } from './keep.ts';
export type { ImageLatents, LatentShapes, SampleLatents } from './latents.ts';
export { type Mode, type RunMode, stagesOf } from './modes.ts';
export type { PartialStart } from './partial.ts';
export { type RunNoise, seededNoise } from './run-noise.ts';
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
