/** What every loaded model has in common, whatever its family: it runs calls of its table, one by one or many at once. */
import type { ImageInput, Picture } from '../image/index.ts';
import type { CallTable, OptionSchemas } from './call-table.ts';
import type { InterleavedMessage } from './chat/dialogue.ts';

/** What happens during a call, in order. Chained modes go through two stages: first the other modality, then their own. */
export type ProgressEvent =
  | {
      readonly type: 'step-progress';
      /** Network evaluations done, over all stages and chunks of the call or, in an answer, of its picture `index`. */
      readonly step: number;
      readonly total: number;
      readonly index?: number;
    }
  | {
      readonly type: 'image-preview';
      readonly step: number;
      /** How the finished pictures look from here; `seeds[i]` is the seed of `images[i]`. */
      readonly images: readonly Picture[];
      readonly seeds: readonly number[];
      /** `indices[i]` is the place of `images[i]` among the samples of the call. */
      readonly indices: readonly number[];
    }
  | {
      /** Some samples are finished before the others. The last ones may come with the result of the call alone. */
      readonly type: 'samples-end';
      /** Their places among the samples of the call. */
      readonly indices: readonly number[];
      /** What the call would return if it had made these samples alone, with the times up to now. */
      readonly result: CallResult;
    };

/** What happens during an answer in a dialogue, beside the progress of its pictures. */
export type AnswerEvent =
  | {
      /** The answer goes on. */
      readonly type: 'text-delta';
      /** Never ends inside a character. */
      readonly text: string;
      /** UTF-16 units of the answer before it. */
      readonly at: number;
    }
  | {
      /** The answer has picture `index`, from 0, behind its first `at` characters. */
      readonly type: 'image-started';
      readonly index: number;
      readonly seed: number;
      readonly at: number;
    };

/** What every call takes beside its options proper. */
export interface CallControls {
  /** Cancels between network evaluations. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (event: ProgressEvent) => void;
}

/** The same for a call of any family. */
export interface RunControls extends Pick<CallControls, 'signal'> {
  readonly onProgress?: (event: ProgressEvent | AnswerEvent) => void;
}

/** The inputs of a call, under the names of the API. The call's row in the table lists those that it needs and reads. */
export interface CallInputs {
  readonly prompt?: string;
  readonly prompt2?: string;
  readonly image?: ImageInput;
  readonly image2?: ImageInput;
  readonly mask?: ImageInput;
  readonly messages?: readonly InterleavedMessage[];
}

/** What a model answered in a dialogue. */
export interface CallAnswer {
  /** In the order in which the model wrote and drew; `index` is a picture's place among the samples of the call. */
  readonly content: readonly (
    | { readonly type: 'text'; readonly text: string }
    | { readonly type: 'image'; readonly index: number }
  )[];
  /** `stop`: the model ended it, or a stop text did; `length`: it was long enough. */
  readonly finishReason: 'stop' | 'length';
  /** Of the words. */
  readonly seed: number;
  readonly promptTokens: number;
  /** Those that were chosen; a picture counts as one. */
  readonly answerTokens: number;
}

export type AnySample = { readonly seed: number; readonly image?: Picture; readonly caption?: string };

/** Milliseconds of one call. */
export interface Timings {
  /** Inputs to latents. */
  readonly encode: number;
  /** Noise to latents. */
  readonly sample: number;
  /** Latents to pictures and words. */
  readonly decode: number;
  readonly total: number;
}

/** How a model reads the words of a caption. */
export interface CaptionReport {
  /** Words that the model was not trained on; it has to guess them from their letters. */
  readonly unknownWords: readonly string[];
  /** The caption has more tokens than the model reads: its end is ignored. */
  readonly cut: boolean;
  /** How many tokens it has, where the tokenizer is at hand. */
  readonly tokens?: number;
}

/** The settings of a call that need not sample anything, with all defaults filled in. */
export interface CallSettings extends Partial<Omit<SamplingSettings, 'model'>> {
  /** The model's name. */
  readonly model: string;
}

/** The same of a call that samples: what makes its pictures again. */
export interface SamplingSettings {
  /** The model's name. */
  readonly model: string;
  readonly steps: number;
  readonly guidance: number;
  readonly solver: string;
  /** How noise levels were spread, if not evenly. */
  readonly noiseSchedule?: string;
  readonly negativePrompt?: string;
}

export interface CallResult<
  S extends AnySample = AnySample,
  Settings extends CallSettings = CallSettings,
  Mode extends string = string,
> {
  readonly mode: Mode;
  readonly samples: readonly S[];
  readonly settings: Settings;
  readonly timings: Timings;
  /** Words of the text given that the model was not trained on; it has to guess them. */
  readonly unknownWords: readonly string[];
  /** The caption given was too long and its end was ignored. */
  readonly captionCut: boolean;
  /**
   * How much the picture given, or the least of several, looks like what the model has learnt: how well the model takes a
   * little noise off its latent, in dB. Absent where no picture was given, and of models without a measured threshold.
   */
  readonly familiarity?: number;
  /** False where that is below the threshold, which 99 of 100 pictures of the model's kind reach: what it sees is a guess. */
  readonly isFamiliar?: boolean;
  /** Of a call that answers in a dialogue; the samples are its pictures. */
  readonly answer?: CallAnswer;
}

/** What people are told where a result is not `isFamiliar`. */
export const unfamiliarNotice = 'the picture looks unlike what the model knows; what it sees is a guess';

/** Values of options where none are given; those of drawing are absent where nothing is drawn. */
export interface CallDefaults {
  readonly steps?: number;
  readonly guidance?: number;
  readonly solver?: string;
  readonly [option: string]: unknown;
}

/** How a model answers in dialogues. */
export interface DialogueDescription {
  /** Whether it can be given pictures. */
  readonly sees: boolean;
  readonly draws: boolean;
  /** How many exchanges it reads, the present one among them; absent of models that read all that they are given. */
  readonly exchanges?: number;
  /** Messages that show what it can be asked. */
  readonly examples: readonly string[];
}

/** The properties of a model that are known without loading it. */
export interface ModelDescription {
  readonly family: string;
  readonly name: string;
  /** Side of the pictures in pixels; absent of models that do not draw. */
  readonly imageSize?: number;
  readonly calls: CallTable;
  /** Every option of the calls. */
  readonly options: OptionSchemas;
  /** What a call takes for the options that are not given, by mode; inputs may change it. */
  readonly defaults: Readonly<Record<string, CallDefaults>>;
  /** Where it is there, results of calls that are given a picture tell `familiarity`, and whether it reaches this, in dB. */
  readonly familiarity?: { readonly threshold: number };
  /** Of models that answer in dialogues. */
  readonly dialogue?: DialogueDescription;
  /** Prompts that show what it can do. */
  readonly examples: readonly string[];
}

/** A loaded model of any family. */
export interface Pipeline {
  readonly family: string;
  /** The model's name, such as `emoji`. */
  readonly name: string;
  /** Side of the pictures in pixels; absent of models that do not draw. */
  readonly imageSize?: number | undefined;
  /**
   * Runs the call `mode` of the family's table.
   * @throws DuetError 'invalid-argument' | 'invalid-image'
   */
  run(mode: string, inputs: CallInputs, options?: RunControls & Readonly<Record<string, unknown>>): Promise<CallResult>;
  /** What the model will make of a caption's words, without running anything. */
  inspectCaption(text: string): CaptionReport;
  /** The words that it was trained on, in alphabetical order; absent where they are not known, or too many to tell. */
  readonly vocabulary?: readonly string[];
  /** Frees sessions and weights; further calls throw. Idempotent. */
  release(): Promise<void>;
}
