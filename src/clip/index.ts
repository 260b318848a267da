/** CLIP: tokenizer, text tower, image tower, similarity. */

export { mergePair } from './byte-pair.ts';
export { byteSymbols, toByteSymbols } from './byte-symbols.ts';
export {
  type ClipConfig,
  type ClipTextConfig,
  type ClipVisionConfig,
  clipConfigSchema,
} from './config.ts';
export { type ClipParams, clipSpec } from './model.ts';
export {
  type ContrastiveLogits,
  contrastiveLogits,
  contrastiveLoss,
  initialLogitScale,
  normalise,
  tokenwiseLogits,
} from './similarity.ts';
export {
  type ClipTextInputs,
  type ClipTextParams,
  clipText,
  clipTextSpec,
  type EndOfTextRule,
  endPositions,
  poolAtEnd,
  projectText,
} from './text.ts';
export { createTokenizer, frameTokens, type Tokenizer } from './tokenizer.ts';
export {
  parseTokenizerData,
  stringifyTokenizerData,
  type TokenizerData,
  tokenizerDataFromFiles,
} from './tokenizer-file.ts';
export { cleanText, cleanUpSpaces, splitText } from './tokenizer-text.ts';
export { type CountedWord, mostFrequentPair, trainTokenizer } from './train-tokenizer.ts';
export {
  type ClipVisionParams,
  clipVision,
  clipVisionSpec,
  patchFeatures,
  poolClassToken,
  projectImage,
} from './vision.ts';
