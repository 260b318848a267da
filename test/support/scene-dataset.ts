/** Scenes with captions and pictures as a stream: item i depends on (seed, i) alone. Nothing held out is made unless asked for. */

import { deriveSeed, seededRandom } from '../../src/core/random.ts';
import { captionOf, describe } from '../../src/emoji/scenes/captions.ts';
import { render } from '../../src/emoji/scenes/render.ts';
import { type SampleOptions, sampleScene } from '../../src/emoji/scenes/sample-scene.ts';
import type { Scene } from '../../src/emoji/scenes/scene.ts';
import { loadSprites, type SpriteSheet } from '../../src/emoji/scenes/sprites.ts';

export interface DatasetOptions extends SampleOptions {
  /** How many items; Infinity for an endless stream. */
  readonly count: number;
  readonly seed: number;
  /** The side of the pictures in pixels, 64 by default. */
  readonly size?: number;
  /** Move each object by up to one pixel. Default: false. */
  readonly jitter?: boolean;
  /** `varied` (default): all sentence forms and synonyms; `canonical`: the one canonical caption. */
  readonly captions?: 'varied' | 'canonical';
  /** Sprites to draw with, if already loaded for this size. */
  readonly sprites?: SpriteSheet;
}

export interface DatasetItem {
  readonly scene: Scene;
  readonly caption: string;
  /** RGB bytes, shape [size, size, 3]. */
  readonly pixels: Uint8Array;
}

/** Item `index` of a data set. */
function datasetItem(sprites: SpriteSheet, index: number, options: DatasetOptions): DatasetItem {
  const random = seededRandom(deriveSeed(options.seed, index));
  const scene = sampleScene(random, options);
  const caption = options.captions === 'canonical' ? describe(scene) : captionOf(scene, random);
  const jitter = options.jitter === true ? { jitter: deriveSeed(options.seed ^ 0x5bd1e995, index) } : {};
  return { scene, caption, pixels: render(scene, sprites, jitter) };
}

/**
 * Streams a data set.
 *
 * @example
 * for await (const { caption, pixels } of generateDataset({ count: 10_000, seed: 1 })) train(caption, pixels);
 */
export async function* generateDataset(options: DatasetOptions): AsyncGenerator<DatasetItem> {
  const sprites = options.sprites ?? (await loadSprites(options.size ?? 64));
  for (let index = 0; index < options.count; index++) yield datasetItem(sprites, index, options);
}
