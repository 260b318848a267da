export { type LoadOptions, load } from './load.ts';
export { type ModelConfig, parseModelConfig } from './model-config.ts';
export { fillSpec, type Model, modelSpecs, packModel, readModelFolder, writeModelFolder } from './model-folder.ts';
export type {
  AnySample,
  CallMode,
  CaptionReport,
  CaptionSample,
  GibbsOptions,
  ImageSample,
  InpaintInput,
  InterpolateOptions,
  PairInput,
  PairSample,
  ProgressEvent,
  Result,
  SamplingOptions,
  SolverName,
  Timings,
} from './types.ts';
export { UniDiffuser, type UniDiffuserParts } from './unidiffuser.ts';
