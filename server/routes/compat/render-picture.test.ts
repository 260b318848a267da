import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { readParameters, withParameters } from '../../../src/image/index.ts';
import { renderPicture } from './render-picture.ts';

const parameters = {
  mode: 't2i',
  model: 'fake',
  version: '0.1.0',
  width: 4,
  height: 4,
  seed: 1,
  steps: 5,
  guidance: 3,
  solver: 'ddim',
  prompt: 'an apple',
};
let png: Uint8Array;

beforeAll(async () => {
  const red = sharp({ create: { width: 4, height: 4, channels: 3, background: 'red' } });
  png = withParameters(await red.png().toBuffer(), parameters);
});

describe('renderPicture', () => {
  it('leaves a picture alone that is as it should be', async () => {
    expect(await renderPicture(png, { format: 'png', quality: 90 })).toBe(png);
    expect(await renderPicture(png, { size: { width: 4, height: 4 }, format: 'png', quality: 90 })).toBe(png);
  });

  it.each(['png', 'jpeg', 'webp'] as const)(
    'resizes into %s, continues the edges and keeps the parameters',
    async format => {
      const bytes = await renderPicture(png, { size: { width: 64, height: 33 }, format, quality: 90 });
      expect(await sharp(bytes).metadata()).toMatchObject({ format, width: 64, height: 33 });
      const { channels } = await sharp(bytes).stats();
      expect(channels[0]!.min).toBeGreaterThan(240);
      expect(channels[1]!.max).toBeLessThan(15);
      const read = readParameters(bytes);
      expect(read?.infotext).toMatchObject({ prompt: 'an apple', settings: { Size: '64x33', Seed: '1' } });
    },
  );
});
