/** What a folder of any model that answers in dialogues with pictures gives, wherever its parts come from. */
import type { TensorSource } from '../../core/host-tensor.ts';
import type { Filled } from '../../nn/params.ts';
import type { PromptEncoder } from '../../tokenizer/index.ts';
import type { VisualFrontEndConfig, visualFrontEndSpec } from '../../vision/index.ts';
import type { VokenMapperConfig, VokenVocabulary, vokenMapperSpec } from '../../vokens/index.ts';
import type { LanguageFolder } from '../language/language-folder.ts';
import type { SamplingDefaults } from '../language/text-files.ts';
import type { DrawOptions } from '../stable-diffusion/calls/types.ts';
import type { VisualInputRules } from '../visual-input.ts';
import type { ChatFamily } from './chat-files.ts';
import type { DialogueText, InterleavedMessage } from './dialogue.ts';

/** How a model sees. */
export interface FrontEnd {
  readonly network: VisualFrontEndConfig;
  readonly input: VisualInputRules;
  readonly params: Filled<ReturnType<typeof visualFrontEndSpec>, TensorSource>;
  /** Of the prompt, for a Q-Former that reads it beside the picture. */
  readonly instruction?: PromptEncoder;
}

/** How a model draws. */
export interface Drawing {
  readonly mapper: VokenMapperConfig;
  readonly params: Filled<ReturnType<typeof vokenMapperSpec>, TensorSource>;
  /** The folder of Stable Diffusion, or of a model of Duet's that has a U-Net. */
  readonly folder: string;
  /** Where a call does not say. */
  readonly defaults: Pick<DrawOptions, 'steps' | 'guidance'>;
}

export interface ChatFolder {
  readonly family: ChatFamily;
  readonly name: string;
  readonly language: LanguageFolder;
  /** Without vokens where the model does not draw. */
  readonly vocabulary: VokenVocabulary;
  /** The text that an answer goes on with, with the image token for each picture. */
  readonly write: (messages: readonly InterleavedMessage[]) => DialogueText;
  /** Texts that end an answer. */
  readonly stop: readonly string[];
  /** How tokens are chosen where a call does not say. */
  readonly sampling: SamplingDefaults;
  readonly frontEnd?: FrontEnd;
  readonly drawing?: Drawing;
}
