/** fast-check generators of scenes for property tests: every scene that the types allow, visible or not. */

import fc from 'fast-check';
import { conceptNames } from '../src/emoji/scenes/concepts.ts';
import { backgroundNames, counts, pair, relations, type Scene, several, singles } from '../src/emoji/scenes/scene.ts';

const concept = fc.constantFrom(...conceptNames);
const background = fc.constantFrom(...backgroundNames);

/** Any scene. */
export const anyScene: fc.Arbitrary<Scene> = fc.oneof(
  fc.tuple(concept, background, fc.nat()).map(([name, color, n]) => {
    const scenes = singles(name, color);
    return scenes[n % scenes.length]!;
  }),
  fc.tuple(concept, fc.constantFrom(...counts), background).map(([name, n, color]) => several(name, n, color)),
  fc
    .tuple(concept, fc.constantFrom(...relations), concept, background)
    .filter(([a, , b]) => a !== b)
    .map(([a, relation, b, color]) => pair(a, relation, b, color)),
);
