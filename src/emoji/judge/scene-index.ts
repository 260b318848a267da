/**
 * The nearest true render among *all* visible scenes, exactly: single objects and counts one by one, pairs from the
 * best objects of each half of the picture (scene-features.ts) instead of 200,000 renders.
 */

import { type Features, squaredDistance, wholeRegion } from '../../eval/features.ts';
import { conceptNames } from '../scenes/concepts.ts';
import { isVisible, isVisibleOn } from '../scenes/contrast.ts';
import {
  type Background,
  backgroundNames,
  backgrounds,
  counts,
  pair,
  type Scene,
  type StoredRelation,
  sameScene,
  several,
  singles,
} from '../scenes/scene.ts';
import type { SceneFeatures, Slot } from './scene-features.ts';

/** A scene and how far its render is from the picture (root mean square of blurred pixels, 0 to 255). */
interface Nearest {
  readonly scene: Scene;
  readonly distance: number;
}

export interface SceneIndex {
  /** The nearest true render of a picture (RGB bytes), `except` for one scene if given. */
  nearest(pixels: Uint8Array, except?: Scene): Nearest;
}

interface Best {
  scene: Scene | undefined;
  squared: number;
}

interface NearObject {
  readonly concept: string;
  readonly squared: number;
}

/** All visible scenes of a background but the pairs. */
function wholesOf(background: Background): Scene[] {
  return conceptNames
    .flatMap((name): Scene[] => [
      ...singles(name, background),
      ...counts.map(count => several(name, count, background)),
    ])
    .filter(isVisible);
}

/** The renders of one background, listed for searching. */
interface Bank {
  readonly background: Background;
  readonly wholes: ReadonlyArray<{ readonly scene: Scene; readonly features: Features }>;
  readonly halves: Readonly<Record<StoredRelation, readonly [Half[], Half[]]>>;
}

interface Half {
  readonly concept: string;
  readonly features: Features;
}

function bankOf(known: SceneFeatures, background: Background): Bank {
  const visible = conceptNames.filter(concept => isVisibleOn(concept, background));
  const halves = (relation: StoredRelation, slot: Slot) =>
    visible.map(concept => ({ concept, features: known.half(background, relation, slot, concept) }));
  return {
    background,
    wholes: wholesOf(background).map(scene => ({ scene, features: known.whole(scene) })),
    halves: {
      'left of': [halves('left of', 0), halves('left of', 1)],
      above: [halves('above', 0), halves('above', 1)],
    },
  };
}

/** The three objects that fit best into one half of the picture. */
function nearestObjects(
  known: SceneFeatures,
  features: Features,
  bank: Bank,
  relation: StoredRelation,
  slot: Slot,
  limit: number,
): NearObject[] {
  const region = known.region(relation, slot);
  const near: NearObject[] = [];
  for (const { concept, features: half } of bank.halves[relation][slot]) {
    const third = near[2]?.squared ?? limit;
    const squared = squaredDistance(features, half, known.side, region, third);
    if (squared > third) continue;
    near.push({ concept, squared });
    near.sort((a, b) => a.squared - b.squared);
    near.length = Math.min(near.length, 3);
  }
  return near;
}

/** Three objects a half suffice: at most two are ruled out, by the other object and by the excepted scene. */
function searchPairs(known: SceneFeatures, features: Features, bank: Bank, best: Best, except?: Scene): void {
  for (const relation of ['left of', 'above'] as const) {
    const firsts = nearestObjects(known, features, bank, relation, 0, best.squared);
    if (firsts.length === 0) continue;
    const seconds = nearestObjects(known, features, bank, relation, 1, best.squared);
    for (const first of firsts) {
      for (const second of seconds) {
        const squared = first.squared + second.squared;
        if (first.concept === second.concept || squared >= best.squared) continue;
        const scene = pair(first.concept, relation, second.concept, bank.background);
        if (except === undefined || !sameScene(scene, except)) Object.assign(best, { scene, squared });
      }
    }
  }
}

/** Backgrounds by how well they fit the picture's corners: this only orders the search. */
function likelyBackgrounds(features: Features, side: number): Background[] {
  const corners = [0, side - 1, side * (side - 1), side * side - 1];
  const misfit = (background: Background) =>
    corners
      .flatMap(corner => backgrounds[background].map((value, c) => (value - (features[corner * 3 + c] as number)) ** 2))
      .reduce((sum, squared) => sum + squared, 0);
  return backgroundNames
    .map(name => ({ name, misfit: misfit(name) }))
    .sort((a, b) => a.misfit - b.misfit)
    .map(({ name }) => name);
}

/** An index over all visible scenes. The renders of a background are made when a search first comes to it. */
export function indexScenes(known: SceneFeatures): SceneIndex {
  const banks = new Map<Background, Bank>();
  const bankFor = (background: Background): Bank => {
    const bank = banks.get(background) ?? bankOf(known, background);
    banks.set(background, bank);
    return bank;
  };
  const whole = wholeRegion(known.side);
  return {
    nearest(pixels, except) {
      const features = known.of(pixels);
      const best: Best = { scene: undefined, squared: Infinity };
      for (const background of likelyBackgrounds(features, known.side)) {
        const bank = bankFor(background);
        searchPairs(known, features, bank, best, except);
        for (const { scene, features: other } of bank.wholes) {
          const squared = squaredDistance(features, other, known.side, whole, best.squared);
          if (squared >= best.squared || (except !== undefined && sameScene(scene, except))) continue;
          Object.assign(best, { scene, squared });
        }
      }
      if (best.scene === undefined) throw new RangeError('There is no other scene');
      return { scene: best.scene, distance: Math.sqrt(best.squared / features.length) };
    },
  };
}
