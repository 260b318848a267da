/** UniDiffuser (Bao et al., arXiv 2303.06555): pictures and captions of one joint noise predictor. */
export { type ImagineOrder, type NetworkChoice, type OwnOptions, standards } from './calls/options.ts';
export { type CallMethods, runCall } from './calls/run.ts';
export type { CallMode } from './calls/table.ts';
export type {
  CallOptions,
  CaptionSample,
  GibbsOptions,
  ImageSample,
  ImagineOptions,
  InpaintInput,
  InpaintOptions,
  InterpolateOptions,
  PairInput,
  PairSample,
  Result,
  SamplingOptions,
  TextToImageOptions,
  UsedSettings,
  VaryOptions,
} from './calls/types.ts';
export { loadEvalModel } from './evaluation.ts';
export { unidiffuser } from './family.ts';
export type { ModelConfig } from './model-config.ts';
export { type Model, modelSpecs, writeModelFolder } from './model-folder.ts';
export { UniDiffuser } from './unidiffuser.ts';
