/** Gibbs sampling, interpolation and inpainting over networks that can be followed by hand. */
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { fillTemplate } from '../../../lm/index.ts';
import { createSchedule } from '../../../sampler/index.ts';
import type { ProgressEvent } from '../../pipeline.ts';
import type { Networks } from '../networks/networks.ts';
import type { Evaluation } from '../sampling/index.ts';
import { UniDiffuser } from '../unidiffuser.ts';

const side = 4;
const shapes = { z: [3, side, side], c: [1, 2], y: [4, 2] };
const diffusion = { prediction: 'v', schedule: { kind: 'cosine' } } as const;
const schedule = createSchedule(diffusion.schedule);

/**
 * The latent of a picture is its pixels and that of a caption its letters; the network is the best one for data of
 * deviation 0.5 around a tenth of the mean of the other modality.
 */
function pixelNetworks() {
  const asked: Evaluation[] = [];
  const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const answer = (x: Float32Array, t: number, center: number) => {
    const { alpha, sigma } = schedule.at(Math.max(t, schedule.tMin));
    const gain = (alpha * 0.25) / (alpha ** 2 * 0.25 + sigma ** 2);
    return x.map(value => (alpha * value - (center + gain * (value - alpha * center))) / sigma);
  };
  const letters = (text: string) => Float32Array.from({ length: 8 }, (_, i) => (text.charCodeAt(i) || 96) / 32 - 3.5);
  const spell = (y: Float32Array) =>
    String.fromCharCode(...Array.from(y, value => Math.min(122, Math.max(96, Math.round((value + 3.5) * 32)))));
  const networks: Networks = {
    shapes,
    encodeTexts: async texts => texts.map(letters),
    encodeStates: async states => [...states],
    encodeImages: async pictures =>
      pictures.map(({ data }) => ({
        z: Float32Array.from({ length: 48 }, (_, i) => data[(i % 16) * 3 + Math.floor(i / 16)]! / 127.5 - 1),
        c: Float32Array.of(data[0]! / 255, data[1]! / 255),
      })),
    predict: async evaluations => {
      asked.push(...evaluations);
      return evaluations.map(({ z, c, y, tImage, tText }) => ({
        z: answer(z, tImage, 0.1 * mean(y)),
        c: answer(c, tImage, 0.1 * mean(y)),
        y: answer(y, tText, 0.1 * mean(z)),
      }));
    },
    decodeImages: async latents =>
      latents.map(z => ({
        width: side,
        height: side,
        data: Uint8Array.from(
          new Uint8ClampedArray(
            Array.from({ length: 48 }, (_, i) => (z[(i % 3) * 16 + Math.floor(i / 3)]! + 1) * 127.5),
          ),
        ),
      })),
    decodeTexts: async latents => latents.map(spell),
    encodeTemplate: async template => ({
      values: letters(template.join('')),
      mask: Uint8Array.from({ length: 8 }, (_, i) => (i < 4 ? 1 : 0)),
    }),
    fillTemplate: async (latents, template) =>
      latents.map(y =>
        fillTemplate(
          template,
          template.slice(1).map((_, gap) => spell(y.slice(4 + gap, 5 + gap))),
        ),
      ),
    release: async () => {},
  };
  const model = new UniDiffuser({
    config: {
      name: 'pixels',
      imageSize: side,
      diffusion,
      sampling: { steps: 12, guidance: { t2i: 2, i2t: 1, joint: 1 } },
    },
    networks,
    precision: 'fp32',
    inspectCaption: text => ({ unknownWords: text.split(' ').filter(word => word === 'xyzzy'), cut: false }),
  });
  return { model, asked };
}

const pictureOf = (shade: (i: number) => number) => ({
  width: side,
  height: side,
  data: Uint8Array.from({ length: 48 }, (_, i) => shade(i)),
});
const a = pictureOf(i => 60 + i);
const b = pictureOf(i => 200 - 2 * i);
const farthest = (left: Uint8Array, right: Uint8Array) =>
  Math.max(...left.map((value, i) => Math.abs(value - right[i]!)));

describe('gibbs', () => {
  it('begins with what was given and goes on for so many rounds, one chain a seed', async () => {
    const { model } = pixelNetworks();
    const { mode, samples, unknownWords } = await model.gibbs({ caption: 'xyzzy' }, { rounds: 3, n: 2, seed: 5 });
    expect([mode, unknownWords]).toEqual(['gibbs', ['xyzzy']]);
    expect(samples.map(({ seed }) => seed)).toEqual([5, 5, 5, 5, 6, 6, 6, 6]);
    expect([samples[0]!.caption, samples[4]!.caption]).toEqual(['xyzzy', 'xyzzy']);
    const alone = await model.gibbs({ caption: 'xyzzy' }, { rounds: 3, seed: 6 });
    expect(alone.samples).toEqual(samples.slice(4));
  });

  it('keeps a given picture as it is, and starts out of nothing too', async () => {
    const { model } = pixelNetworks();
    const fromPicture = await model.gibbs({ picture: a }, { rounds: 1, seed: 1 });
    expect(fromPicture.samples[0]!.image.data).toEqual(a.data);
    const fromPair = await model.gibbs({ picture: a, caption: 'cat' }, { rounds: 1, seed: 1 });
    expect(fromPair.samples[0]).toMatchObject({ caption: 'cat', image: { data: a.data } });
    expect((await model.gibbs()).samples).toHaveLength(5);
    await expect(model.gibbs({}, { rounds: 0 })).rejects.toThrow(/rounds must be a whole number from 1 to 1000, got 0/);
  });

  it('reports each pair but the last as soon as all chains of a group have it', async () => {
    const { model } = pixelNetworks();
    const events: ProgressEvent[] = [];
    const options = { rounds: 2, n: 9, seed: 5, steps: 2, previewEvery: 1 };
    const onProgress = (event: ProgressEvent) => events.push(event);
    const { samples, ...result } = await model.gibbs({ caption: 'xyzzy' }, { ...options, onProgress });
    const early = events.flatMap(event => (event.type === 'samples-end' ? [event] : []));
    const pairsOf = (chains: readonly number[], round: number) => chains.map(chain => 3 * chain + round);
    const first = [0, 1, 2, 3, 4, 5, 6, 7];
    expect(early.map(({ indices }) => indices)).toEqual([
      pairsOf(first, 0),
      pairsOf(first, 1),
      pairsOf(first, 2),
      pairsOf([8], 0),
      pairsOf([8], 1),
    ]);
    for (const { indices, result: own } of early) {
      expect(own.samples).toEqual(indices.map(index => samples[index]));
      expect(own).toMatchObject({ mode: 'gibbs', settings: result.settings, unknownWords: result.unknownWords });
    }
    const previews = events.flatMap(event => (event.type === 'image-preview' ? [event.indices] : []));
    expect(previews[0]).toEqual(pairsOf(first, 0));
    expect(previews.at(-1)).toEqual(pairsOf([8], 2));
  });

  it('reports progress over all of the chain', async () => {
    const { model } = pixelNetworks();
    const events: ProgressEvent[] = [];
    await model.gibbs({ caption: 'cat' }, { rounds: 2, steps: 3, onProgress: event => events.push(event) });
    const steps = events.flatMap(event => (event.type === 'step-progress' ? [[event.step, event.total]] : []));
    expect(steps).toEqual(Array.from({ length: 15 }, (_, k) => [k + 1, 15]));
  });
});

describe('interpolate', () => {
  it('begins and ends with the reconstructions of the pictures', async () => {
    const { model } = pixelNetworks();
    const options = { frames: 5, seed: 3, steps: 30 };
    const { samples, settings } = await model.interpolate({ picture: a, caption: 'cat' }, { picture: b }, options);
    expect(samples).toHaveLength(5);
    expect(settings).toMatchObject({ guidance: 1, solver: 'ddim', steps: 30 });
    expect(farthest(samples[0]!.image.data, a.data)).toBeLessThanOrEqual(2);
    expect(farthest(samples[4]!.image.data, b.data)).toBeLessThanOrEqual(2);
    expect(farthest(samples[2]!.image.data, a.data)).toBeGreaterThan(10);
    expect(samples[0]!.caption).toBe('cat`````');
  });

  it('of captions begins and ends with what textToImage draws of them', async () => {
    const { model } = pixelNetworks();
    const { samples, settings } = await model.interpolate(
      { caption: 'cat' },
      { caption: 'dog' },
      { frames: 3, seed: 3 },
    );
    expect(settings).toMatchObject({ guidance: 2, solver: 'dpm-multistep' });
    const drawn = await Promise.all(['cat', 'dog'].map(caption => model.textToImage(caption, { seed: 3 })));
    expect(samples[0]!.image).toEqual(drawn[0]!.samples[0]!.image);
    expect(samples[2]!.image).toEqual(drawn[1]!.samples[0]!.image);
  });

  it('leads from a picture to a caption, one path a seed, and reports all of it', async () => {
    const { model } = pixelNetworks();
    const events: ProgressEvent[] = [];
    const options = { frames: 2, n: 2, seed: 1, steps: 4, onProgress: (event: ProgressEvent) => events.push(event) };
    const { samples } = await model.interpolate({ picture: a }, { caption: 'dog' }, options);
    expect(samples.map(({ seed }) => seed)).toEqual([1, 1, 2, 2]);
    const total = 4 + 3 * 4 + 4; // described, inverted with two refinements, drawn
    expect(events.at(-1)).toEqual({ type: 'step-progress', step: total, total });
    expect(events).toHaveLength(total);
  });

  it('wants two ends and two frames', async () => {
    const { model } = pixelNetworks();
    await expect(model.interpolate({}, { caption: 'a' })).rejects.toThrow(/needs a picture or a caption at each end/);
    await expect(model.interpolate({ caption: 'a' }, { caption: 'b' }, { frames: 1 })).rejects.toThrow(
      /frames must be/,
    );
  });
});

describe('inpaint', () => {
  /** White on the right half. */
  const mask = pictureOf(i => (Math.floor(i / 3) % side >= 2 ? 255 : 0));
  const right = (i: number) => Math.floor(i / 3) % side >= 2;

  it.each([
    ['a caption', { caption: 'cat' }],
    ['a caption with gaps', { caption: 'a _ cat' }],
    ['no caption', {}],
  ])('keeps the rest of the picture exactly, with %s', async (_, words) => {
    const { model } = pixelNetworks();
    const { samples } = await model.inpaint({ picture: a, mask, ...words }, { n: 3, seed: 1 });
    for (const { image, caption } of samples) {
      for (const [i, value] of image.data.entries()) if (!right(i)) expect(value).toBe(a.data[i]);
      expect(image.data.some((value, i) => right(i) && value !== a.data[i])).toBe(true);
      if ('caption' in words) expect(caption).toMatch(/cat$/);
    }
    expect(new Set(samples.map(({ image }) => image.data.join())).size).toBe(3);
  });

  it('takes transparency for a mask, of the mask or of the picture itself', async () => {
    const { model } = pixelNetworks();
    const raw = { raw: { width: side, height: side, channels: 4 as const } };
    const alpha = Buffer.from(
      Array.from({ length: 64 }, (_, i) => (i % 4 < 3 ? 255 : Math.floor(i / 4) % side >= 2 ? 0 : 255)),
    );
    const clear = await sharp(alpha, raw).png().toBuffer();
    const one = await model.inpaint({ picture: a, mask: clear, caption: 'cat' }, { seed: 1 });
    const other = await model.inpaint({ picture: a, mask, caption: 'cat' }, { seed: 1 });
    expect(one.samples).toEqual(other.samples);
    const { samples } = await model.inpaint({ picture: clear }, { seed: 1 });
    for (const [i, value] of samples[0]!.image.data.entries()) if (!right(i)) expect(value).toBe(255);
  });

  it('fills the gaps of a caption, of a picture that stays or of one drawn along', async () => {
    const { model, asked } = pixelNetworks();
    const given = await model.inpaint({ picture: a, caption: 'Der _ dog' }, { seed: 1 });
    expect(given.samples[0]!.caption).toMatch(/^Der \S+ dog$/);
    expect(given.samples[0]!.image.data).toEqual(a.data);
    expect(asked.every(({ tImage }) => tImage === 0)).toBe(true); // guidance of i2t is 1, off
    const drawn = await model.inpaint({ caption: 'a _ dog _' }, { seed: 1 });
    expect(drawn.samples[0]!.caption).toMatch(/^a \S+ dog \S+$/);
    expect(asked.at(-2)!.tText).toBe(0); // drawn again once the words were found
  });

  it('says what is missing', async () => {
    const { model } = pixelNetworks();
    const refused = (message: RegExp) => ({ code: 'invalid-argument', message: expect.stringMatching(message) });
    await expect(model.inpaint({})).rejects.toMatchObject(refused(/nothing to fill in/));
    await expect(model.inpaint({ caption: 'a cat' })).rejects.toMatchObject(refused(/caption with gaps/));
    await expect(model.inpaint({ picture: a })).rejects.toMatchObject(refused(/what to repaint; give a mask/));
    await expect(model.inpaint({ mask })).rejects.toMatchObject(refused(/needs the picture/));
    await expect(model.inpaint({ picture: a, mask: pictureOf(() => 0) })).rejects.toMatchObject(refused(/keeps all/));
  });
});

describe('strength', () => {
  const mask = pictureOf(i => (Math.floor(i / 3) % side >= 2 ? 255 : 0));
  const isKept = (i: number) => Math.floor(i / 3) % side < 2;

  it("says how much a variation may change, of the model's description or of a caption", async () => {
    const { model, asked } = pixelNetworks();
    for (const words of [{}, { caption: 'cat' }]) {
      const changes: number[] = [];
      for (const strength of [0, 0.05, 0.4, 1]) {
        const { samples } = await model.vary(a, { strength, seed: 1, ...words });
        changes.push(farthest(samples[0]!.image.data, a.data));
        if ('caption' in words) expect(samples[0]!.caption).toBe('cat');
      }
      expect(changes[0]).toBeLessThanOrEqual(1); // the copy of the autoencoder, rounded
      expect(changes).toEqual(changes.toSorted((one, other) => one - other));
      expect(changes.at(-1)).toBeGreaterThan(20);
    }
    const before = asked.length;
    await model.vary(a, { strength: 0.5, caption: 'cat', seed: 1 });
    expect(asked.length - before).toBe(12); // half of 12 steps, two evaluations each
    expect((await model.vary(a, { strength: 1, seed: 1 })).samples).toEqual((await model.vary(a, { seed: 1 })).samples);
  });

  it.each([
    ['a caption', { caption: 'cat' }],
    ['no caption', {}],
  ])('holds for inpainting with %s', async (_, words) => {
    const { model } = pixelNetworks();
    const changes: number[] = [];
    for (const strength of [0, 0.1, 0.9]) {
      const { samples } = await model.inpaint({ picture: a, mask, ...words }, { strength, seed: 1 });
      for (const [i, value] of samples[0]!.image.data.entries()) if (isKept(i)) expect(value).toBe(a.data[i]);
      changes.push(farthest(samples[0]!.image.data, a.data));
    }
    expect(changes[0]).toBeLessThanOrEqual(1);
    expect(changes).toEqual(changes.toSorted((one, other) => one - other));
  });

  it('is refused outside its range and where there is no picture to change', async () => {
    const { model } = pixelNetworks();
    const refused = { code: 'invalid-argument', message: expect.stringMatching(/strength/) };
    for (const strength of [-0.1, 1.1, Number.NaN]) {
      await expect(model.vary(a, { strength })).rejects.toMatchObject(refused);
      await expect(model.inpaint({ picture: a, mask }, { strength })).rejects.toMatchObject(refused);
    }
    await expect(model.inpaint({ caption: 'a _ cat' }, { strength: 0.5 })).rejects.toMatchObject(refused);
    await expect(model.inpaint({ picture: a, mask, caption: 'a _' }, { strength: 0.5 })).rejects.toMatchObject(refused);
  });
});

it('a negative prompt takes the place of the unconditional pass', async () => {
  const { model, asked } = pixelNetworks();
  await model.textToImage('cat', { negativePrompt: 'dog', steps: 1, seed: 1 });
  expect(asked.map(({ tText }) => tText)).toEqual([0, 0]);
  expect(asked[0]!.y).not.toEqual(asked[1]!.y);
});
