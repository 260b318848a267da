/** Language models and how they choose tokens. */
export { type Beam, type BeamSearchOptions, beamSearch, contentTokens } from './beam-search.ts';
export {
  type CachedPrograms,
  type CachedProgramsOptions,
  type CachedRows,
  cachedNextLogits,
  cachedPrograms,
  cachedRows,
  type NextRow,
  type RunProgram,
  type StepRow,
  unstack,
} from './cached-decoder.ts';
export {
  type CaptionDecoderConfig,
  type CaptionDecoderParams,
  type CaptionInputs,
  type CaptionLossInputs,
  type CaptionLossOptions,
  captionDecoderConfigSchema,
  captionDecoderSpec,
  captionLogits,
  captionLoss,
  decodePrefix,
  encodePrefix,
  tokenLogits,
} from './caption-decoder.ts';
export {
  type CaptionTemplate,
  fillTemplate,
  gapTokens,
  nextTokens,
  parseTemplate,
  type TokenTemplate,
} from './caption-template.ts';
export {
  type Decoding,
  type DecodingQuery,
  greedy,
  type NextLogits,
  nucleus,
  runDecoding,
  runDecodings,
  type SamplingOptions,
} from './decoding.ts';
export {
  embedTokens,
  type Gpt2Config,
  type Gpt2Inputs,
  type Gpt2Params,
  gpt2,
  gpt2ConfigSchema,
  gpt2Logits,
  gpt2Spec,
  tokenLoss,
} from './gpt2.ts';
export { gpt2Prefill, gpt2Step } from './gpt2-cache.ts';
export { type LogitsOptions, processLogits } from './logits-processors.ts';
