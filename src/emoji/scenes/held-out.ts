/**
 * Which combinations no training stage may see. A scene is held out when the hash of any of its combinations falls in
 * a fixed class: h(s) is the first four bytes of sha256(s) as a big-endian number. Every word and every object stays
 * in training; only combinations are withheld.
 *
 * Choices: the relation is tested from both sides (first "left of", second "right of"; "above" and "below");
 * a position is tested when it is one of left, right, top, bottom, at both sizes: the unsaid centre is no position;
 * white never holds a scene out; nothing is repainted, so the rule's "paint" test has nothing to test.
 */

import { createHash } from 'node:crypto';
import { inverse, objectsOf, type Scene } from './scene.ts';

const hashes = new Map<string, number>();

/** h(s): the first four bytes of the sha256 of the UTF-8 string, big-endian. */
export function combinationHash(text: string): number {
  const known = hashes.get(text);
  if (known !== undefined) return known;
  const value = createHash('sha256').update(text, 'utf8').digest().readUInt32BE(0);
  hashes.set(text, value);
  return value;
}

/** The combinations of a scene, each with the modulus of its test. */
function combinationsOf(scene: Scene): ReadonlyArray<readonly [text: string, modulus: number]> {
  const found: Array<readonly [string, number]> = [];
  if (scene.background !== 'white') {
    for (const concept of objectsOf(scene)) found.push([`bg|${concept}|${scene.background}`, 10]);
  }
  if (scene.kind === 'pair') {
    found.push([`pair|${objectsOf(scene).join('|')}`, 20]);
    found.push([`rel|${scene.first}|${scene.relation}`, 10], [`rel|${scene.second}|${inverse(scene.relation)}`, 10]);
  } else if (scene.kind === 'count') {
    found.push([`count|${scene.concept}|${scene.count}`, 10]);
  } else if (scene.position !== 'center') {
    found.push([`pos|${scene.concept}|${scene.position}`, 10]);
  }
  return found;
}

/** True when the scene must never be trained on, in any stage. */
export function isHeldOut(scene: Scene): boolean {
  return combinationsOf(scene).some(([text, modulus]) => combinationHash(text) % modulus === 0);
}
