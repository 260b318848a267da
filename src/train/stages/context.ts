/** What every stage is built from beside its configuration. */
import type { Tokenizer } from '../../clip/index.ts';
import type { CompileOptions } from '../../engine/types.ts';
import type { DataConfig } from '../config.ts';
import { folderSource } from '../data/folder.ts';
import { sceneSource } from '../data/scenes.ts';
import type { PairSource } from '../data/source.ts';
import type { Stage } from '../loop.ts';
import type { TrainingProblem } from '../step.ts';

export interface StageContext {
  readonly engine?: Pick<CompileOptions, 'device' | 'threads'>;
  /** Where latents are kept. */
  readonly cache: string;
  /** Says what is going on before training can begin. */
  readonly onProgress?: (message: string, share: number) => void;
  /** Hears what the data's owner should know but training can live with. */
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
 * Their seed is far from any training seed.
 */
export function openValidation(data: DataConfig, count: number, { swaps = false } = {}): Promise<PairSource> {
  if (data.source === 'folder') return openSource(data);
  return sceneSource({
    side: data.size,
    count,
    seed: data.seed + 0x7e57,
    heldOut: true,
    canonicalShare: 1,
    swaps,
  });
}
