/**
 * The blurred renders of scenes, made once each and kept. The objects of a pair live in separate halves of the picture
 * (layout.ts) and blurring does not carry across the middle, so a pair's distance is the sum of its halves' distances
 * and two thousand renders of halves stand for two hundred thousand pairs.
 */

import { type Features, featuresOf, type Region, squaredDistance, wholeRegion } from '../../eval/features.ts';
import { conceptNames } from '../scenes/concepts.ts';
import { layout } from '../scenes/layout.ts';
import { render, renderPlacements } from '../scenes/render.ts';
import { type Background, pair, type Scene, type StoredRelation, sceneKey } from '../scenes/scene.ts';
import type { SpriteSheet } from '../scenes/sprites.ts';

/** Which object of a pair: the first (left or above) or the second. */
export type Slot = 0 | 1;

export interface SceneFeatures {
  readonly sprites: SpriteSheet;
  /** Rows of the features. */
  readonly side: number;
  /** Features of a picture (RGB bytes of the sprites' canvas). */
  of(pixels: Uint8Array): Features;
  /** Features of a single object's or a count's render. */
  whole(scene: Scene): Features;
  /** Features of one object of a pair, alone at its place. */
  half(background: Background, relation: StoredRelation, slot: Slot, concept: string): Features;
  /** The part of the features that a half is about. */
  region(relation: StoredRelation, slot: Slot): Region;
  /** Squared distance of a picture's features to a scene's render; Infinity when it exceeds `limit`. */
  squaredDistance(features: Features, scene: Scene, limit?: number): number;
}

function regionsOf(side: number): Record<StoredRelation, readonly [Region, Region]> {
  const whole = wholeRegion(side);
  const middle = side / 2;
  return {
    'left of': [
      { ...whole, right: middle },
      { ...whole, left: middle },
    ],
    above: [
      { ...whole, bottom: middle },
      { ...whole, top: middle },
    ],
  };
}

/** The features of the scenes drawn with these sprites; renders are made when first asked for. */
export function sceneFeatures(sprites: SpriteSheet): SceneFeatures {
  const { canvas } = sprites;
  const side = canvas / 2;
  const all = wholeRegion(side);
  const regions = regionsOf(side);
  const known = new Map<string, Features>();
  const remember = (key: string, draw: () => Uint8Array): Features => {
    const features = known.get(key) ?? featuresOf(draw(), canvas);
    known.set(key, features);
    return features;
  };
  const whole: SceneFeatures['whole'] = scene => remember(sceneKey(scene), () => render(scene, sprites));
  const half: SceneFeatures['half'] = (background, relation, slot, concept) =>
    remember(`half|${background}|${relation}|${slot}|${concept}`, () => {
      const other = conceptNames.find(name => name !== concept) as string;
      const scene = slot === 0 ? pair(concept, relation, other) : pair(other, relation, concept);
      return renderPlacements(background, layout(scene, canvas).slice(slot, slot + 1), sprites);
    });
  return {
    sprites,
    side,
    of: pixels => featuresOf(pixels, canvas),
    whole,
    half,
    region: (relation, slot) => regions[relation][slot],
    squaredDistance(features, scene, limit = Infinity) {
      if (scene.kind !== 'pair') return squaredDistance(features, whole(scene), side, all, limit);
      const { first, second, relation, background } = scene;
      const [here, there] = regions[relation];
      const one = squaredDistance(features, half(background, relation, 0, first), side, here, limit);
      if (one === Infinity) return one;
      const two = half(background, relation, 1, second);
      return one + squaredDistance(features, two, side, there, limit - one);
    },
  };
}
