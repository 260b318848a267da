import { describe, expect, it } from 'vitest';
import { denormaliseLatent, normaliseLatent } from './normalise-latents.ts';

describe('latent statistics', () => {
  it('work per channel, planes and last axes alike', () => {
    const statistics = { mean: [0, 10], std: [1, 2] };
    expect([...normaliseLatent(Float32Array.of(1, 2, 12, 14), statistics, 2)]).toEqual([1, 2, 1, 2]);
    expect([...normaliseLatent(Float32Array.of(1, 12, 2, 14), statistics, 1)]).toEqual([1, 1, 2, 2]);
    const values = Float32Array.of(1, 12, 2, 14);
    expect(denormaliseLatent(normaliseLatent(values, statistics, 1), statistics, 1)).toEqual(values);
  });
});
