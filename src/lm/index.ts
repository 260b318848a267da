/** Language models and how they choose tokens. */
export { type Beam, type BeamSearchOptions, beamSearch, contentTokens } from './beam-search.ts';
export {
  type CachedSequences,
  decodeCached,
  type Extension,
  type ExtensionRow,
  readPrompt,
} from './cached-decoding.ts';
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
export { type Decoding, type DecodingQuery, type NextToken, type NextTokens, runDecoding } from './decoding.ts';
export {
  type GeneratedToken,
  type GenerationOptions,
  generateTokens,
  type TokenChoice,
  TokenChooser,
} from './generate.ts';
export {
  type Gpt2Config,
  type Gpt2Params,
  gpt2,
  gpt2ConfigSchema,
  gpt2Logits,
  gpt2Model,
  gpt2Spec,
  nextTokenLoss,
  tokenLoss,
} from './gpt2.ts';
export type { KeyValueCache, KeyValueCacheSize } from './key-value-cache.ts';
export {
  type DecodingOptions,
  type DecodingProgram,
  decodingProgram,
  type Extended,
  type ExtendInputs,
  embedTokens,
  type LanguageModel,
  type SequenceInputs,
} from './language-model.ts';
export { type BeamOptions, lengthPenalisedBeams } from './length-penalised-beams.ts';
export {
  type LlamaConfig,
  type LlamaParams,
  llama,
  llamaConfigSchema,
  llamaLogits,
  llamaModel,
  llamaPositions,
  llamaSpec,
  llamaStates,
} from './llama.ts';
export { type LogitsOptions, processLogits } from './logits-processors.ts';
export { type LoraParams, loraModel, loraSpec, withLora } from './lora.ts';
export { type OptConfig, type OptParams, opt, optModel, optSpec } from './opt.ts';
export { type PlacedImages, placeImages } from './place-images.ts';
export { type T5Config, t5Model, t5Spec } from './t5.ts';
