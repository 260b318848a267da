import fc from 'fast-check';
import { expect, describe as suite, test } from 'vitest';
import { anyScene } from '../../../test/any-scene.ts';
import { seededRandom } from '../../core/random.ts';
import { captionOf, captionsOf, describe, formCount, maxCaptionWords } from './captions.ts';
import { concepts } from './concepts.ts';
import { parse } from './parse.ts';
import { pair, sceneKey, several, single } from './scene.ts';

const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });

suite('captions and their parser', () => {
  test('the canonical caption says exactly the scene', () => {
    fc.assert(
      fc.property(anyScene, scene => {
        expect(parse(describe(scene))).toEqual(scene);
        expect(describe(scene).split(' ').length).toBeLessThanOrEqual(maxCaptionWords);
      }),
      { numRuns: 500 },
    );
  });

  for (let form = 0; form < formCount; form++) {
    test(`form ${form} says exactly the scene in at most ${maxCaptionWords} words`, () => {
      fc.assert(
        fc.property(anyScene, seeds, (scene, seed) => {
          const caption = captionOf(scene, seededRandom(seed), form);
          expect(parse(caption), caption).toEqual(scene);
          expect(caption.split(' ').length, caption).toBeLessThanOrEqual(maxCaptionWords);
          expect(caption).toMatch(/^[a-z]+( [a-z]+)*$/);
        }),
        { numRuns: 400 },
      );
    });
  }

  test('case, punctuation, blanks and articles do not matter', () => {
    fc.assert(
      fc.property(anyScene, seeds, (scene, seed) => {
        const caption = captionOf(scene, seededRandom(seed));
        const rough = `  ${caption.toUpperCase().replaceAll(' ', ' ,\t ')}!`;
        expect(parse(rough), rough).toEqual(scene);
        expect(parse(caption.replaceAll(/\b(a|an) (?!picture)/g, 'the ')), caption).toEqual(scene);
      }),
    );
  });

  test('a scene has several captions, all different, the canonical one first', () => {
    const scene = pair('dog', 'left of', 'car', 'green');
    const captions = captionsOf(scene, seededRandom(3));
    expect(captions[0]).toBe('a dog to the left of a car on a green background');
    expect(captions.length).toBeGreaterThan(3);
    expect(new Set(captions).size).toBe(captions.length);
  });

  test('a caption of one scene is never a caption of another', () => {
    const meanings = new Map<string, string>();
    const random = seededRandom(5);
    fc.assert(
      fc.property(anyScene, scene => {
        const caption = captionOf(scene, random);
        expect(meanings.get(caption) ?? sceneKey(scene)).toBe(sceneKey(scene));
        meanings.set(caption, sceneKey(scene));
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    ['a cat', single('cat')],
    ['an owl', single('owl')],
    ['a unicorn', single('unicorn')],
    [
      'a small cat on the left on an orange background',
      single('cat', { size: 'small', position: 'left', background: 'orange' }),
    ],
    ['three mice', several('mouse', 3)],
    ['two fish on a pink background', several('fish', 2, 'pink')],
    ['an apple above a hot dog', pair('apple', 'above', 'hot dog')],
  ])('"%s" is canonical', (caption, scene) => {
    expect(describe(scene)).toBe(caption);
  });

  test.each([
    ['1 cat', single('cat')],
    ['4 ufos against a blue background', several('flying saucer', 4, 'blue')],
    ['A car, to the right of a dog.', pair('dog', 'left of', 'car')],
    ['cat under dog', pair('dog', 'above', 'cat')],
    ['two cacti', several('cactus', 2)],
    ['a cat on the left', single('cat', { position: 'left' })],
  ])('"%s" is understood', (caption, scene) => {
    expect(parse(caption)).toEqual(scene);
  });

  test.each([
    '',
    'cat cat',
    'a cat on',
    'a cat on a background',
    'a cat on the left on the right',
    'a cat on a blue blue background',
    'on blue a cat on green',
    'two cat',
    'cats',
    'five cats',
    'a small big cat',
    'a big cat on the left',
    'a cat left of a cat',
    'a cat left of',
    'a cat left of a dog left of a bear',
    'a cat and a dog',
    'a cat on the left and a dog at the top',
    'a small cat left of a dog',
    'two cats on the left',
    'a catdog',
    'a heart',
    'a blue cat',
    'there is',
  ])('"%s" is refused', caption => {
    expect(parse(caption)).toBeUndefined();
  });

  test('every noun is one or two plain words that mean one concept', () => {
    const nouns = concepts.flatMap(concept => [concept, ...concept.synonyms]);
    expect(new Set(nouns.map(noun => noun.name)).size).toBe(nouns.length);
    expect(new Set(nouns.map(noun => noun.plural)).size).toBe(nouns.length);
    for (const noun of nouns) {
      expect(noun.name).toMatch(/^[a-z]+( [a-z]+)?$/);
      expect(noun.plural).toMatch(/^[a-z]+( [a-z]+)?$/);
    }
  });
});
