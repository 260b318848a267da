import { expect, test } from 'vitest';
import { seededRandom } from '../../core/random.ts';
import { randomWords } from './random-words.ts';

const captions = Array.from({ length: 400 }, (_, i) => `a cat${i} on a mat${i}`);

test('a share of the captions becomes words of the others, as many as before', () => {
  const read = randomWords(captions, 0.4, seededRandom(1));
  expect(read.map(caption => caption.split(' ').length)).toEqual(captions.map(() => 5));
  const known = new Set(captions.flatMap(caption => caption.split(' ')));
  expect(read.flatMap(caption => caption.split(' ')).every(word => known.has(word))).toBe(true);
  const replaced = read.filter((caption, i) => caption !== captions[i]).length;
  expect(replaced).toBeGreaterThan(120);
  expect(replaced).toBeLessThan(200);
});

test('share 0 leaves the captions as they are', () => {
  expect(randomWords(captions, 0, seededRandom(1))).toEqual(captions);
});
