/** Vokens: the tokens by which a language model draws, and what makes them the context of a U-Net. */
export { type VokenMapperConfig, vokenMapperConfigSchema } from './config.ts';
export {
  type ExtendedParams,
  extendedModel,
  meanRows,
  newRowsSpec,
} from './extended-model.ts';
export {
  type DrawChoice,
  type InterleavedEnd,
  type InterleavedEvent,
  type InterleavedOptions,
  interleavedTokens,
} from './interleaved-tokens.ts';
export { type VokenMapperParams, type VokenMapping, vokenMapper, vokenMapperSpec } from './mapper.ts';
export { type TrainingBatch, type TrainingSample, type TrainingTokens, trainingBatch } from './training-batch.ts';
export { checkVocabulary, miniGpt5Vocabulary, type VokenVocabulary, vokenVocabularySchema } from './vocabulary.ts';
