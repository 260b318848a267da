/** UniDiffuser's sampling runs: modes, guidance and noise of joint samples. A run yields evaluation requests; a driver makes the predictions. */
export { stackEvaluations, unstackPredictions } from './batch.ts';
export { measureFamiliarity } from './familiarity.ts';
export type { ImageLatents, LatentShapes, SampleLatents } from './latents.ts';
export type { KnownPart, KnownValues } from './masked-sampling.ts';
export { type Mode, type RunMode, stagesOf } from './modes.ts';
export type { Evaluation, Prediction } from './passes.ts';
export { type RunNoise, seededNoise } from './run-noise.ts';
export { type Predict, runInLockstep } from './run-samplers.ts';
export { type Pair, type Progress, type Sampled, type SampleRun, sampleRun } from './sample.ts';
export { countEvaluationRequests, type SampleRequest } from './sample-request.ts';
export type { PartialStart } from './sdedit.ts';
