/** CLIP whole: both towers and the learned temperature of their similarity. */
import type { Params } from '../nn/params.ts';
import type { ClipConfig } from './config.ts';
import { initialLogitScale } from './similarity.ts';
import { clipTextSpec } from './text.ts';
import { clipVisionSpec } from './vision.ts';

export function clipSpec(config: ClipConfig) {
  return {
    text: clipTextSpec(config.text),
    vision: clipVisionSpec(config.vision),
    /** ln(1 / temperature). */
    logitScale: { shape: [], init: { kind: 'constant', value: initialLogitScale } } as const,
  };
}

export type ClipParams = Params<ReturnType<typeof clipSpec>>;
