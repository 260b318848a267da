export type { UniDiffuserParts } from './calls/call.ts';
export type {
  AnySample,
  CallMode,
  CaptionReport,
  CaptionSample,
  GibbsOptions,
  ImageSample,
  ImagineOptions,
  ImagineOrder,
  InpaintInput,
  InpaintOptions,
  InterpolateOptions,
  PairInput,
  PairSample,
  ProgressEvent,
  Result,
  SamplingOptions,
  SolverName,
  Timings,
  UsedSettings,
  VaryOptions,
} from './calls/types.ts';
export { type LoadOptions, load } from './load.ts';
export { type ModelConfig, parseModelConfig } from './model-config.ts';
export { type Model, modelSpecs, packModel, readModelFolder, writeModelFolder } from './model-folder.ts';
export { UniDiffuser } from './unidiffuser.ts';
