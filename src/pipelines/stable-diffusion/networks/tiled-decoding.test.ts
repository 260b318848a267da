import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stableDiffusionAutoencoder } from '../../../../test/support/stable-diffusion.ts';
import { float32 } from '../../../core/host-tensor.ts';
import { bySize } from './by-size.ts';
import { decodingBytes } from './memory.ts';
import type { LatentImage } from './networks.ts';
import { decodeTiled } from './tiled-decoding.ts';

const scale = 2;

/** A decoder that sees one latent pixel at a time: twice as large, 3 colours of 2 channels. */
async function local({ data, height, width }: LatentImage) {
  const plane = height * width;
  const values = new Float32Array(3 * plane * scale ** 2);
  for (let i = 0; i < values.length; i++) {
    const [c, y, x] = [Math.floor(i / (plane * 4)), Math.floor(i / (2 * width)) % (2 * height), i % (2 * width)];
    const from = Math.floor(y / 2) * width + Math.floor(x / 2);
    values[i] = data[from]! + (c + 1) * data[plane + from]! + ((y % 2) - (x % 2)) / 8;
  }
  return float32([1, 3, scale * height, scale * width], values);
}

describe('decodeTiled', () => {
  it('of a decoder that sees no neighbours is the whole, for every size of picture, tile and overlap', async () => {
    const sizes = fc.record({
      height: fc.integer({ min: 1, max: 23 }),
      width: fc.integer({ min: 1, max: 23 }),
      tile: fc.integer({ min: 2, max: 9 }),
      share: fc.double({ min: 0, max: 0.9, noNaN: true }),
    });
    await fc.assert(
      fc.asyncProperty(sizes, async ({ height, width, tile, share }) => {
        const data = Float32Array.from({ length: 2 * height * width }, (_, i) => Math.sin(i));
        const overlap = Math.min(tile - 1, Math.floor(tile * share));
        const seen: number[] = [];
        const tiled = await decodeTiled({ data, height, width }, 2, { tile, overlap }, part => {
          seen.push(part.height, part.width);
          return local(part);
        });
        const whole = await local({ data, height, width });
        expect(tiled.shape).toEqual(whole.shape);
        expect(Math.max(...seen)).toBeLessThanOrEqual(tile);
        for (const [i, value] of tiled.data.entries()) expect(value).toBeCloseTo(whole.data[i]!, 5);
      }),
      { numRuns: 60 },
    );
  });

  it('blends over the overlap: where tiles differ there is no step', async () => {
    let calls = 0;
    const bright = async ({ height, width }: LatentImage) =>
      float32([1, 1, height, width], new Float32Array(height * width).fill(calls++));
    const latent = { data: new Float32Array(12), height: 1, width: 12 };
    const { data } = await decodeTiled(latent, 1, { tile: 8, overlap: 4 }, bright);
    const steps = [...data].slice(1).map((value, i) => value - data[i]!);
    expect([data[0], data[11]]).toEqual([0, 1]);
    expect(Math.max(...steps)).toBeLessThan(0.3);
    expect(Math.min(...steps)).toBeGreaterThanOrEqual(0);
  });
});

describe('bySize', () => {
  it('keeps the order, gives each call one size and at most so much area', async () => {
    const rows = [2, 3, 2, 2, 5, 3].map((side, index) => ({ height: side, width: side, index }));
    const calls: string[] = [];
    const answers = await bySize(
      rows,
      row => row,
      9,
      async (own, { height }) => {
        calls.push(`${own.length} of ${height}`);
        return own.map(({ index }) => index);
      },
    );
    expect(answers).toEqual([0, 1, 2, 3, 4, 5]);
    expect(calls).toEqual(['2 of 2', '1 of 2', '1 of 3', '1 of 3', '1 of 5']);
  });
});

it('a decoding takes memory by its pixels', () => {
  const bytes = (side: number) => decodingBytes(stableDiffusionAutoencoder, side, side);
  expect(bytes(128)).toBe(4 * bytes(64));
});
