/**
 * Random scenes from a seeded stream, balanced over concepts, and their neighbours: scenes that differ in one part
 * only, the hard distractors of evaluation. Only visible scenes are made (contrast.ts).
 */

import { pick, type Random } from '../../core/random.ts';
import { conceptNames } from './concepts.ts';
import { isVisible } from './contrast.ts';
import { isHeldOut } from './held-out.ts';
import {
  type Background,
  backgroundNames,
  type CountScene,
  counts,
  type PairScene,
  pair,
  positions,
  relations,
  type Scene,
  type SingleScene,
  sceneKey,
  several,
  single,
  singles,
} from './scene.ts';

/** Shares of the kinds of scenes; they need not sum to 1. */
export interface SceneShares {
  /** One large object. */
  readonly large: number;
  /** One small object, in any of the five places. */
  readonly small: number;
  readonly pair: number;
  readonly count: number;
}

const usualShares: SceneShares = { large: 0.2925, small: 0.1575, pair: 0.35, count: 0.2 };

export interface SampleOptions {
  /** Only held-out scenes, only others, or both. Default: only others, so that training is safe by default. */
  readonly heldOut?: boolean | 'any';
  /** Only this kind; all of them by default. */
  readonly kind?: Scene['kind'];
  /** How often each kind is drawn. Default: 45 % single, most of them large, 35 % pair, 20 % count. */
  readonly shares?: SceneShares;
}

function drawKind(random: Random, { large, small, pair, count }: SceneShares): Scene['kind'] {
  const r = random() * (large + small + pair + count);
  if (r < large + small) return 'single';
  return r < large + small + pair ? 'pair' : 'count';
}

function draw(random: Random, kind: Scene['kind'], { large, small }: SceneShares): Scene {
  const concept = pick(random, conceptNames);
  const background = random() < 0.2 ? 'white' : pick<Background>(random, backgroundNames);
  if (kind === 'count') return several(concept, pick(random, counts), background);
  if (kind === 'pair') return pair(concept, pick(random, relations), pick(random, conceptNames), background);
  if (random() * (large + small) < large) return single(concept, { background });
  return single(concept, { size: 'small', position: pick(random, positions), background });
}

/** Two objects of a pair differ and everything stands out from the background. */
function isDrawable(scene: Scene): boolean {
  return isVisible(scene) && !(scene.kind === 'pair' && scene.first === scene.second);
}

/** The next random scene of a stream. */
export function sampleScene(random: Random, options: SampleOptions = {}): Scene {
  const heldOut = options.heldOut ?? false;
  const shares = options.shares ?? usualShares;
  const kind = options.kind ?? drawKind(random, shares);
  for (;;) {
    const scene = draw(random, kind, shares);
    if (isDrawable(scene) && (heldOut === 'any' || isHeldOut(scene) === heldOut)) return scene;
  }
}

/** `count` different random scenes. */
export function sampleScenes(count: number, random: Random, options: SampleOptions = {}): Scene[] {
  const scenes = new Map<string, Scene>();
  for (let tries = 0; scenes.size < count && tries < count * 100; tries++) {
    const scene = sampleScene(random, options);
    scenes.set(sceneKey(scene), scene);
  }
  if (scenes.size < count) throw new RangeError(`There are fewer than ${count} such scenes`);
  return [...scenes.values()];
}

function singleNeighbours(scene: SingleScene): Scene[] {
  return [
    ...conceptNames.map(concept => ({ ...scene, concept })),
    ...singles(scene.concept, scene.background).filter(
      ({ size, position }) => size === scene.size || position === scene.position,
    ),
  ];
}

function countNeighbours(scene: CountScene): Scene[] {
  return [...conceptNames.map(concept => ({ ...scene, concept })), ...counts.map(count => ({ ...scene, count }))];
}

function pairNeighbours(scene: PairScene): Scene[] {
  return [
    ...conceptNames.map(first => ({ ...scene, first })),
    ...conceptNames.map(second => ({ ...scene, second })),
    ...relations.map(relation => pair(scene.first, relation, scene.second, scene.background)),
  ];
}

/** All visible scenes that differ from `scene` in exactly one part: an object, size, place, relation, number, background. */
export function neighboursOf(scene: Scene): Scene[] {
  const own =
    scene.kind === 'single'
      ? singleNeighbours(scene)
      : scene.kind === 'count'
        ? countNeighbours(scene)
        : pairNeighbours(scene);
  const all = [...own, ...backgroundNames.map(background => ({ ...scene, background }))];
  const others = new Map(all.map(other => [sceneKey(other), other]));
  others.delete(sceneKey(scene));
  return [...others.values()].filter(isDrawable);
}

/**
 * A random scene that differs from `scene` in exactly one part; the kind of part is drawn first, so that object swaps,
 * though many more, are no more likely than a moved object or another background.
 */
export function neighbour(scene: Scene, random: Random): Scene {
  const groups = new Map<string, Scene[]>();
  for (const other of neighboursOf(scene)) {
    const part = differingPart(scene, other);
    const group = groups.get(part);
    if (group === undefined) groups.set(part, [other]);
    else group.push(other);
  }
  return pick(random, pick(random, [...groups.values()]));
}

/** A random scene that differs from `scene` in one object. */
export function withAnotherObject(scene: Scene, random: Random): Scene {
  const others = neighboursOf(scene).filter(other =>
    ['concept', 'first', 'second'].includes(differingPart(scene, other)),
  );
  return pick(random, others);
}

/** The name of the field in which two neighbours differ; a pair with exchanged objects differs in its relation. */
function differingPart(scene: Scene, other: Scene): string {
  const theirs = new Map<string, unknown>(Object.entries(other));
  const fields = Object.entries(scene).filter(([field, value]) => theirs.get(field) !== value);
  return fields.length > 1 ? 'relation' : (fields[0]?.[0] ?? 'none');
}
