import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededNoise } from '../../pipelines/unidiffuser/sampling/run-noise.ts';
import { createGenerator, type NoiseGenerator } from './generator.ts';

const draws = {
  short: (generator: NoiseGenerator) => [...generator.randn(5)],
  long: (generator: NoiseGenerator) => [...generator.randn([3, 7])],
  uniform: (generator: NoiseGenerator) => [...generator.rand(4)],
  whole: (generator: NoiseGenerator) => generator.randint(-3, 1000, 3),
  order: (generator: NoiseGenerator) => generator.randperm(9),
  double: (generator: NoiseGenerator) => [...generator.randn64(17), ...generator.rand64(2)],
};
const drawing = fc.array(fc.constantFrom(...Object.values(draws)), { maxLength: 6 });

test("torch's first numbers of seed 42 (torch.manual_seed(42); torch.randn(...))", () => {
  expect([...createGenerator(42).randn(3)]).toEqual([0.336690366, 0.128809407, 0.234462366].map(Math.fround));
  const [first] = createGenerator(42).randn([4, 4]);
  expect(first).toBeCloseTo(1.92691529, 6);
});

test('a saved state goes on where it was', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), drawing, drawing, (seed, before, after) => {
      const generator = createGenerator(seed);
      for (const draw of before) draw(generator);
      const copy = createGenerator(generator.state);
      expect(after.map(draw => draw(copy))).toEqual(after.map(draw => draw(generator)));
    }),
    { numRuns: 20 },
  );
});

test('only the low 32 bits of a seed count', () => {
  expect(createGenerator(2 ** 32 + 7).randn(20)).toEqual(createGenerator(7).randn(20));
  expect(createGenerator(-1).randn(20)).toEqual(createGenerator(2 ** 32 - 1).randn(20));
});

test('normals have mean 0, variance 1 and no lag-one correlation', () => {
  const normals = createGenerator(3).randn(40_000);
  const mean = normals.reduce((sum, value) => sum + value, 0) / normals.length;
  const variance = normals.reduce((sum, value) => sum + value * value, 0) / normals.length;
  const lag = normals.reduce((sum, value, i) => sum + value * (normals[i + 1] ?? 0), 0) / normals.length;
  expect(Math.abs(mean)).toBeLessThan(0.02);
  expect(Math.abs(variance - 1)).toBeLessThan(0.03);
  expect(Math.abs(lag)).toBeLessThan(0.02);
});

test('a permutation has every number once', () => {
  fc.assert(
    fc.property(fc.nat(50), fc.nat(), (n, seed) => {
      const sorted = createGenerator(seed)
        .randperm(n)
        .sort((a, b) => a - b);
      expect(sorted).toEqual(Array.from({ length: n }, (_, i) => i));
    }),
  );
});

describe('refuses', () => {
  test.each([1.5, Number.NaN, 2 ** 60])('the seed %d', seed => {
    expect(() => createGenerator(seed)).toThrow('A seed is an integer');
  });

  test('impossible extents and ranges', () => {
    const generator = createGenerator(0);
    expect(() => generator.randn(-1)).toThrow('got -1');
    expect(() => generator.randn([1, 1.5])).toThrow('got 1,1.5');
    expect(() => generator.randint(5, 5, 1)).toThrow('low < high');
    expect(() => generator.randint(0, 2 ** 33, 1)).toThrow('low < high');
  });
});

test('a run draws z, c, y and then what is ignored from one stream', () => {
  const shapes = { z: [4, 2, 2], c: [1, 6], y: [5, 3] };
  const noise = seededNoise(9, shapes);
  const generator = createGenerator(9);
  expect(noise.start()).toEqual({ z: generator.randn(16), c: generator.randn(6), y: generator.randn(15) });
  expect(noise.ignored('y', 0)).toEqual(generator.randn(15));
  expect(noise.step(22)).toEqual(generator.randn(22));
});
