/** What draws pictures of contexts that another network makes in the place of a text encoder's states. */
import type { CallTable } from './call-table.ts';
import type { Pipeline, SamplingSettings } from './pipeline.ts';
import { type Contexts, type DrawingParts, drawContexts } from './stable-diffusion/calls/draw.ts';
import type { DrawnSample, DrawOptions } from './stable-diffusion/calls/types.ts';

export interface ContextDrawer {
  /** The model's name. */
  readonly name: string;
  /** Vectors of a context, and the width of each. */
  readonly tokens: number;
  readonly width: number | undefined;
  /** Side of its pictures in pixels, where no size is asked for. */
  readonly imageSize: number;
  /** How it draws where a call does not say. */
  readonly defaults: Pick<SamplingSettings, 'steps' | 'guidance' | 'solver'>;
  /** @throws DuetError 'invalid-argument' */
  draw(contexts: Contexts, options: DrawOptions): Promise<readonly DrawnSample[]>;
}

/** A loaded model that draws from contexts too, by the same networks. */
export interface DiffusionModel {
  /** Its own calls, and their table. */
  readonly pipeline: Pipeline;
  readonly calls: CallTable;
  readonly drawer: ContextDrawer;
  /** Frees both. Idempotent. */
  release(): Promise<void>;
}

/** A U-Net that draws. */
export function contextDrawer(parts: DrawingParts): ContextDrawer {
  return {
    name: parts.config.name,
    tokens: parts.textTokens,
    width: parts.config.unet.contextWidth,
    imageSize: parts.config.imageSize,
    defaults: parts.rulesOf('t2i').defaults,
    draw: (contexts, options) => drawContexts(parts, contexts, options),
  };
}
