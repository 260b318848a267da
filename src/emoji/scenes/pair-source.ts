/** Emoji scenes as training data: made on the fly, since drawing one costs microseconds; nothing held out is made. */
import { deriveSeed, seededRandom } from '../../core/random.ts';
import { captionOf, describe } from './captions.ts';
import { isHeldOut } from './held-out.ts';
import { boxSizes } from './layout.ts';
import { render } from './render.ts';
import { neighbour, type SceneShares, sampleScene, withAnotherObject } from './sample-scene.ts';
import { type Scene, sceneKey } from './scene.ts';
import { loadSprites } from './sprites.ts';

export interface SceneSourceOptions {
  readonly side: number;
  readonly count: number;
  readonly seed: number;
  /** How often each kind of scene is drawn. @default the sampler's own */
  readonly shares?: SceneShares;
  /** Share of captions in the one canonical wording. @default 0 */
  readonly canonicalShare?: number;
  /** Held-out scenes instead of the others: for validation only. @default false */
  readonly heldOut?: boolean;
  /** Every object is moved by up to a pixel. @default false */
  readonly jitter?: boolean;
  /** Item 2 k + 1 differs from item 2 k in one part: hard negatives for a contrastive batch. @default false */
  readonly neighbours?: boolean;
  /** Items 2 k and 2 k + 1 differ in one object, whatever `heldOut` says of the second: for validation. @default false */
  readonly swaps?: boolean;
}

/** Captioned pictures by index, as training takes them (train/data/source.ts). */
export interface SceneSource {
  readonly side: number;
  readonly size: number;
  readonly key: string;
  scene(index: number): Scene;
  /** RGB bytes, [side, side, 3]. */
  picture(index: number): Uint8Array;
  caption(index: number, random: () => number): string;
  canonicalCaption(index: number): string;
  identity(index: number): string;
}

/** `count` random scenes; item i depends on (seed, i) alone. */
export async function sceneSource(options: SceneSourceOptions): Promise<SceneSource> {
  const { side, count, seed, shares, canonicalShare = 0, heldOut = false } = options;
  const { jitter = false, neighbours = false, swaps = false } = options;
  const sprites = await loadSprites(side);
  const sampling = { heldOut, ...(shares && { shares }) };
  const draw = (index: number): Scene => {
    const random = seededRandom(deriveSeed(seed, index));
    if (swaps && index % 2 === 1) return withAnotherObject(scene(index - 1), random);
    if (!neighbours || index % 2 === 0) return sampleScene(random, sampling);
    // A neighbour on the other side of the split is not made: the item is then a scene of its own.
    const other = neighbour(scene(index - 1), random);
    return isHeldOut(other) === heldOut ? other : sampleScene(random, sampling);
  };
  const scene = memoised(draw);
  return {
    side,
    size: count,
    key: `scenes ${JSON.stringify({ side, count, seed, shares, heldOut, jitter, neighbours, swaps, boxSizes })}`,
    scene,
    picture: index => render(scene(index), sprites, jitter ? { jitter: deriveSeed(seed ^ 0x5bd1e995, index) } : {}),
    caption: (index, random) => {
      const shown = scene(index);
      return random() < canonicalShare ? describe(shown) : captionOf(shown, random);
    },
    canonicalCaption: index => describe(scene(index)),
    identity: index => sceneKey(scene(index)),
  };
}

/** `draw` with its latest results kept: one item is asked for its scene several times within a batch. */
function memoised(draw: (index: number) => Scene): (index: number) => Scene {
  const latest = new Map<number, Scene>();
  return index => {
    const known = latest.get(index);
    if (known) return known;
    const scene = draw(index);
    if (latest.size >= 1024) latest.clear();
    latest.set(index, scene);
    return scene;
  };
}
