import { describe, expect, it } from 'vitest';
import type { Networks } from '../networks/networks.ts';
import { measureFamiliarity } from './familiarity.ts';
import type { Evaluation } from './index.ts';

const shapes = { z: [1, 2, 2], c: [1, 2], y: [2, 2] };
const diffusion = { prediction: 'sample', schedule: { kind: 'cosine' } } as const;
const image = { z: Float32Array.of(1, -1, 2, 0), c: new Float32Array(2) };

/** A network that restores z but for `error`. */
function restoring(error: readonly number[]) {
  const asked: Evaluation[] = [];
  const predict: Networks['predict'] = async evaluations => {
    asked.push(...evaluations);
    return evaluations.map(({ c, y }) => ({ z: image.z.map((value, i) => value + error[i]!), c, y }));
  };
  return { networks: { shapes, predict }, asked };
}

describe('measureFamiliarity', () => {
  it('is the error of what is restored, in dB', async () => {
    const { networks } = restoring([0.1, 0.1, -0.1, 0.1]);
    expect(await measureFamiliarity(networks, diffusion, image, 150)).toBeCloseTo(20, 4);
    expect(await measureFamiliarity(restoring([0, 0, 0, 0]).networks, diffusion, image, 150)).toBe(100);
  });

  it('asks once, with little noise on the picture, the same each time, and the caption ignored', async () => {
    const { networks, asked } = restoring([1, 1, 1, 1]);
    for (let i = 0; i < 2; i++) await measureFamiliarity(networks, diffusion, image, 150);
    expect(asked).toHaveLength(2);
    expect(asked[0]).toEqual(asked[1]);
    expect([asked[0]!.tImage, asked[0]!.tText]).toEqual([150, 1000]);
    expect(asked[0]!.z).not.toEqual(image.z);
    for (const [i, value] of asked[0]!.z.entries()) expect(Math.abs(value - image.z[i]!)).toBeLessThan(1.5);
  });

  it('leaves out values that do not count', async () => {
    const { networks } = restoring([0.1, 9, 0.1, 9]);
    const counts = Uint8Array.of(1, 0, 1, 0);
    expect(await measureFamiliarity(networks, diffusion, image, 150, { counts })).toBeCloseTo(20, 4);
  });
});
