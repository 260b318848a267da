/** Emoji scenes as training data: made on the fly, since drawing one costs microseconds; nothing held out is made. */
import { deriveSeed, seededRandom } from '../../core/random.ts';
import { captionOf, describe } from '../../scenes/captions.ts';
import { render } from '../../scenes/render.ts';
import { sampleScene } from '../../scenes/sample-scene.ts';
import { type Scene, sceneKey } from '../../scenes/scene.ts';
import { loadSprites } from '../../scenes/sprites.ts';
import type { PairSource } from './source.ts';

export interface SceneSourceOptions {
  readonly side: number;
  readonly count: number;
  readonly seed: number;
  /** Share of captions in the one canonical wording. @default 0 */
  readonly canonicalShare?: number;
  /** Held-out scenes instead of the others: for validation only. @default false */
  readonly heldOut?: boolean;
}

export type SceneSource = PairSource & { scene(index: number): Scene };

/** `count` random scenes; item i depends on (seed, i) alone. */
export async function sceneSource(options: SceneSourceOptions): Promise<SceneSource> {
  const { side, count, seed, canonicalShare = 0, heldOut = false } = options;
  const sprites = await loadSprites(side);
  const scene = (index: number): Scene => sampleScene(seededRandom(deriveSeed(seed, index)), { heldOut });
  return {
    side,
    size: count,
    key: `scenes ${JSON.stringify({ side, count, seed, heldOut })}`,
    scene,
    picture: index => render(scene(index), sprites, { jitter: deriveSeed(seed ^ 0x5bd1e995, index) }),
    caption: (index, random) => {
      const shown = scene(index);
      return random() < canonicalShare ? describe(shown) : captionOf(shown, random);
    },
    identity: index => sceneKey(scene(index)),
  };
}
