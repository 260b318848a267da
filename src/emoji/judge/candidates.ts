/**
 * The thousand true renders that a picture must choose from. Half of the distractors are hard: all scenes that differ
 * from the truth in one part (an object, size, place, relation, number or background). A single object has fewer than
 * five hundred of these; its hard half is filled up with scenes that differ in two parts, the next hardest.
 */

import { type Random, shuffled } from '../../core/random.ts';
import { neighboursOf, sampleScenes } from '../scenes/sample-scene.ts';
import { type Scene, sameScene, sceneKey } from '../scenes/scene.ts';

/** Random scenes that serve as the easy distractors of all items of one evaluation. */
export function distractorPool(random: Random, count = 600): readonly Scene[] {
  return sampleScenes(count, random, { heldOut: 'any' });
}

/** The hard distractors: one-part neighbours in random order, then neighbours of these. */
function hardDistractors(truth: Scene, count: number, random: Random): Map<string, Scene> {
  const neighbours = shuffled(random, neighboursOf(truth));
  const hard = new Map(neighbours.slice(0, count).map(scene => [sceneKey(scene), scene]));
  const missing = count - hard.size;
  const each = Math.ceil(missing / 20);
  for (const base of neighbours) {
    if (hard.size >= count) break;
    const further = shuffled(random, neighboursOf(base)).filter(
      scene => !hard.has(sceneKey(scene)) && !sameScene(scene, truth),
    );
    for (const scene of further.slice(0, Math.min(each, count - hard.size))) hard.set(sceneKey(scene), scene);
  }
  return hard;
}

/** The truth (first) and `total` - 1 different distractors, half of them hard, the rest from the pool. */
export function candidatesFor(truth: Scene, pool: readonly Scene[], random: Random, total = 1000): Scene[] {
  const others = hardDistractors(truth, Math.ceil((total - 1) / 2), random);
  for (const scene of pool) {
    if (others.size >= total - 1) break;
    if (sceneKey(scene) !== sceneKey(truth)) others.set(sceneKey(scene), scene);
  }
  return [truth, ...others.values()];
}
