import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cosine } from '../sampler/index.ts';
import type { TimestepMix } from './config.ts';
import { randomStream } from './random.ts';
import { timeInputs } from './stages/joint.ts';
import { drawTimesteps, mixAt, type TimestepShares } from './timesteps.ts';

const none = { textClean: 0, imageClean: 0, textIgnored: 0, imageIgnored: 0, independent: 0, equal: 0 };
const mix = (at: number, shares: Partial<TimestepMix>): TimestepMix => ({ at, ...none, ...shares });
const plain = (shares: Partial<TimestepShares>): TimestepShares => ({ ...none, shift: 1, ...shares });

describe('mixAt', () => {
  const curriculum = [mix(1, { equal: 3 }), mix(0.5, { textClean: 1, imageClean: 1 }), mix(0, { textClean: 4 })];

  it('interpolates between the mixes in order of their place, and scales to one', () => {
    expect(mixAt(curriculum, 0)).toEqual(plain({ textClean: 1 }));
    expect(mixAt(curriculum, 0.25)).toEqual(plain({ textClean: 2.5 / 3, imageClean: 0.5 / 3 }));
    expect(mixAt(curriculum, 0.5)).toEqual(plain({ textClean: 0.5, imageClean: 0.5 }));
    expect(mixAt(curriculum, 1)).toEqual(plain({ equal: 1 }));
  });

  it('holds the first mix before its place and the last one after it', () => {
    const late = [mix(0.3, { equal: 1 }), mix(0.6, { independent: 1 })];
    expect(mixAt(late, 0)).toEqual(plain({ equal: 1 }));
    expect(mixAt(late, 1)).toEqual(plain({ independent: 1 }));
  });

  it('interpolates the shift too', () => {
    const shifting = [mix(0, { equal: 1, shift: 5 }), mix(1, { equal: 1 })];
    expect([0, 0.5, 1].map(progress => mixAt(shifting, progress).shift)).toEqual([5, 3, 1]);
  });
});

describe('drawTimesteps', () => {
  const shares = plain({
    textClean: 0.3,
    imageClean: 0.2,
    textIgnored: 0.1,
    imageIgnored: 0.1,
    independent: 0.1,
    equal: 0.2,
  });

  it('gives each kind its share of every batch, up to one sample', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 80 }), fc.nat(1000), (batch, seed) => {
        const { image, text } = drawTimesteps(shares, batch, randomStream(seed, 'mix', 0));
        const count = (is: (i: number, t: number) => boolean) => text.filter((t, i) => is(image[i]!, t)).length;
        const near = (found: number, share: number) => expect(Math.abs(found - share * batch)).toBeLessThanOrEqual(1);
        near(
          count((_, t) => t === 0),
          0.3,
        );
        near(
          count(i => i === 0),
          0.2,
        );
        for (const t of [...image, ...text]) expect(t >= 0 && t <= 1).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('spreads the timesteps of a kind evenly: one in each of as many intervals', () => {
    const { image, text } = drawTimesteps(plain({ equal: 1 }), 16, randomStream(3, 'mix', 0));
    expect(image).toEqual(text);
    const intervals = Array.from(image, t => Math.ceil(16 * t)).sort((a, b) => a - b);
    expect(intervals).toEqual(Array.from({ length: 16 }, (_, i) => i + 1));
  });

  it('moves timesteps towards noise by the shift: half of them lie above shift / (shift + 1)', () => {
    const { image, text } = drawTimesteps(
      plain({ equal: 0.5, independent: 0.5, shift: 4 }),
      64,
      randomStream(3, 'mix', 0),
    );
    expect(image.filter(t => t > 0.8)).toHaveLength(32);
    expect(Math.abs(text.filter(t => t > 0.8).length - 32)).toBeLessThan(10);
    for (const t of [...image, ...text]) expect(t > 0 && t <= 1).toBe(true);
  });

  it('draws the same for the same step and something else for another', () => {
    const draw = (step: number) => drawTimesteps(shares, 8, randomStream(1, 'mix', step));
    expect(draw(4)).toEqual(draw(4));
    expect(draw(4)).not.toEqual(draw(5));
  });
});

describe('timeInputs', () => {
  it('counts only parts that are neither clean nor ignored, and their weights sum to one', () => {
    const times = { image: Float32Array.of(0, 0.25, 1, 0.5), text: Float32Array.of(1, 0, 0, 0) };
    const inputs = timeInputs(times, cosine(), 'v');
    expect(inputs['imageWeight']!.data).toEqual(Float32Array.of(0, 0.5, 0, 0.5));
    expect(inputs['textWeight']!.data).toEqual(new Float32Array(4));
    expect(inputs['imageTime']!.data).toEqual(Float32Array.of(0, 250, 1000, 500));
    // cos and sin of t times a right angle
    for (const [i, t] of [0, 0.25, 1, 0.5].entries()) {
      expect(inputs['imageAlpha']!.data[i]).toBeCloseTo(Math.cos((t * Math.PI) / 2), 3);
      expect(inputs['imageSigma']!.data[i]).toBeCloseTo(Math.sin((t * Math.PI) / 2), 3);
    }
  });

  it('raises the weights of the data itself to those of v, up to ten times', () => {
    const times = { image: Float32Array.of(0.5, 0.1), text: Float32Array.of(0, 0) };
    const { imageWeight, textWeight } = timeInputs(times, cosine(), 'sample');
    expect(imageWeight!.data[0]).toBeCloseTo(2 / 2, 2); // 1 / sigma^2 is 2 in the middle of the cosine
    expect(imageWeight!.data[1]).toBe(10 / 2);
    expect(textWeight!.data).toEqual(new Float32Array(2));
  });
});
