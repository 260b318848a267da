/** What every stage needs besides its configuration. */
import type { Tokenizer } from '../../clip/index.ts';
import { sceneSource } from '../../emoji/scenes/pair-source.ts';
import type { SceneShares } from '../../emoji/scenes/sample-scene.ts';
import type { CompileOptions } from '../../engine/types.ts';
import { folderSource } from '../data/folder.ts';
import type { PairSource } from '../data/source.ts';
import type { DataConfig } from '../data-config.ts';
import type { Stage } from '../loop.ts';
import type { TrainingProblem } from '../step.ts';

export interface StageContext {
  readonly engine?: Pick<CompileOptions, 'device' | 'threads'>;
  /** The folder of cached latents. */
  readonly cache: string;
  /** Called while data are prepared, with what is done and how far it is. */
  readonly onProgress?: (message: string, fraction: number) => void;
  /** Called with faults of the data that do not prevent training. */
  readonly onWarning?: (message: string) => void;
  /** Cancels the encoding of pictures. */
  readonly signal?: AbortSignal;
}

/**
 * What a stage learns from that goes on with finished parameters or begins with new ones; trained and frozen parameters
 * are together all that the objective needs.
 */
export interface StageInputs<P, F> extends Omit<TrainingProblem<P, F>, 'objective'> {
  readonly tokenizer: Tokenizer;
  readonly source: PairSource;
  readonly validation: PairSource;
}

/** The part of a stage that is the same whether its network is new or finished. */
export type Training = Pick<Stage, 'objective' | 'initialParams' | 'frozen' | 'batch' | 'sample' | 'release'>;

export function openSource(data: DataConfig, { onWarning }: Pick<StageContext, 'onWarning'> = {}): Promise<PairSource> {
  if (data.source === 'folder') return folderSource(data.path, data.size, onWarning);
  const { size, count, seed, shares, canonicalShare, jitter = false, neighbours = false } = data;
  return sceneSource({ side: size, count, seed, ...(shares && { shares }), canonicalShare, jitter, neighbours });
}

/**
 * Pairs for validation: held-out scenes of the data's kind, with `swaps` each followed by one with another object, since
 * few would otherwise resemble each other enough to ask for what is drawn; for a folder the data themselves.
 * Their seed differs from all training seeds.
 */
export function openValidation(
  data: DataConfig,
  count: number,
  { swaps = false, shares }: { readonly swaps?: boolean; readonly shares?: SceneShares } = {},
): Promise<PairSource> {
  if (data.source === 'folder') return openSource(data);
  return sceneSource({
    side: data.size,
    count,
    seed: data.seed + 0x7e57,
    heldOut: true,
    canonicalShare: 1,
    swaps,
    ...(shares && { shares }),
  });
}
