/**
 * Duet: one model that draws, describes and imagines.
 *
 * @example
 * import { Duet } from 'duet';
 * const model = await Duet.load('emoji');
 * const { samples } = await model.textToImage('an apple', { seed: 1 });
 */
import { ChatModel, Llama, load, loadAs } from './pipelines/index.ts';

export { type InferenceStatus, inference } from './pipelines/index.ts';

/**
 * The way in: `Duet.load(name or folder)`; `Duet.loadAs(family, name or folder)` where one family is wanted;
 * `Duet.loadLanguageModel(folder)` for a model that writes texts alone, of the Llama family; `Duet.loadChat(folder)` for one
 * that answers in words and pictures.
 */
export const Duet = { load, loadAs, loadLanguageModel: Llama.load, loadChat: ChatModel.load } as const;

export { DuetError, type ErrorCode } from './core/errors.ts';
export type { Device, Precision } from './engine/types.ts';
export type { DecodeOptions, ImageFormat, ImageInput, Picture, Pixels } from './image/index.ts';
export type {
  AnswerEvent,
  AnswerPart,
  AnySample,
  CallAnswer,
  CallInputs,
  CallMode,
  CallOptions,
  CaptionReport,
  CaptionSample,
  ChatCallOptions,
  ChatModel,
  ContentPart,
  DrawFromOptions,
  DrawnSample,
  DrawOptions,
  DrawResult,
  DrawSettings,
  FamilyName,
  GeneratedText,
  GibbsOptions,
  ImageSample,
  ImagineOptions,
  ImagineOrder,
  InpaintInput,
  InpaintOptions,
  InterleavedAnswer,
  InterleavedChatEvent,
  InterleavedChatOptions,
  InterleavedMessage,
  InterpolateOptions,
  Llama,
  LoadOptions,
  ModelOf,
  PaintInput,
  PairInput,
  PairSample,
  Pipeline,
  ProgressEvent,
  Prompt,
  Result,
  RunControls,
  SamplingOptions,
  SolverName,
  StableDiffusion,
  StableDiffusionMode,
  TextEvent,
  TextOptions,
  TextToImageOptions,
  Timings,
  UniDiffuser,
  UsedSettings,
  VaryOptions,
} from './pipelines/index.ts';
