/** A language model of a folder, as what decodes sees it, of whatever kind it is. */
import type { TensorSource } from '../../core/host-tensor.ts';
import type { Sources } from '../../engine/index.ts';
import type { LanguageModel } from '../../lm/index.ts';
import type { TextFiles } from './text-files.ts';

/** @typeParam P its parameters */
export interface LanguageNetwork<P = unknown> {
  readonly model: LanguageModel<P>;
  readonly params: Sources<P>;
  readonly vocabularySize: number;
  /** Width of its embeddings, and of vectors that stand among them. */
  readonly width: number;
  /** Positions of prompt and answer together. */
  readonly positions: number;
}

export interface LanguageFolder extends TextFiles {
  readonly network: LanguageNetwork;
}

/** A language model that is a part of a larger one, in the same files. */
export interface LanguagePart {
  /** Its part of config.json. */
  readonly config: unknown;
  /** In front of its tensors' names; what has other names is not its own. */
  readonly prefix: string;
  /** All of the folder. */
  readonly tensors: Readonly<Record<string, TensorSource>>;
}
