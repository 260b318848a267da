/** fast-check generators of scenes for property tests: every scene that the types allow, visible or not. */

import fc from 'fast-check';
import { conceptNames } from '../src/scenes/concepts.ts';
import {
  backgroundNames,
  counts,
  pair,
  positions,
  relations,
  type Scene,
  several,
  single,
  sizes,
} from '../src/scenes/scene.ts';

const concept = fc.constantFrom(...conceptNames);
const background = fc.constantFrom(...backgroundNames);

/** Any scene. */
export const anyScene: fc.Arbitrary<Scene> = fc.oneof(
  fc
    .tuple(concept, fc.constantFrom(...sizes), fc.constantFrom(...positions), background)
    .map(([name, size, position, color]) => single(name, { size, position, background: color })),
  fc.tuple(concept, fc.constantFrom(...counts), background).map(([name, n, color]) => several(name, n, color)),
  fc
    .tuple(concept, fc.constantFrom(...relations), concept, background)
    .filter(([a, , b]) => a !== b)
    .map(([a, relation, b, color]) => pair(a, relation, b, color)),
);
