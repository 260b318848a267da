/** The pipeline over fake networks: what is asked of them, in which order, and what becomes of the answers. */
import { describe, expect, it, vi } from 'vitest';
import type { Pixels } from '../../image/index.ts';
import { solverNames } from '../../sampler/index.ts';
import type { ProgressEvent } from '../pipeline.ts';
import type { Networks } from './networks/networks.ts';
import type { Evaluation } from './sampling/index.ts';
import { UniDiffuser } from './unidiffuser.ts';

const shapes = { z: [1, 2, 2], c: [1, 2], y: [2, 2] };
const grey: Pixels = { width: 4, height: 4, data: new Uint8Array(48).fill(128) };

function fakeNetworks() {
  const asked: Evaluation[] = [];
  const networks: Networks = {
    shapes,
    encodeTexts: async texts => texts.map(text => new Float32Array(4).fill(text.length)),
    encodeStates: async states => [...states],
    encodeImages: async pictures =>
      pictures.map(({ data }) => ({ z: new Float32Array(4).fill(data[0]!), c: new Float32Array(2) })),
    predict: async evaluations => {
      asked.push(...evaluations);
      return evaluations.map(({ z, c, y }) => ({ z: z.map(v => -v), c: c.map(v => -v), y: y.map(v => -v) }));
    },
    decodeImages: async latents =>
      latents.map(z => ({ width: 1, height: 1, data: Uint8Array.of((z[0]! * 1e6) & 255, 0, 0) })),
    encodeTemplate: async template => ({
      values: new Float32Array(4).fill(template.length),
      mask: Uint8Array.of(1, 1, 0, 0),
    }),
    fillTemplate: async (latents, template) => latents.map(y => template.join(`${y[2]!.toFixed(2)} `)),
    decodeTexts: async latents => latents.map(y => y[0]!.toFixed(4)),
    release: vi.fn(async () => {}),
  };
  return { networks, asked };
}

function fakeModel(familiarity?: { timestep: number; threshold: number }) {
  const { networks, asked } = fakeNetworks();
  const sampling = { steps: 3, guidance: { t2i: 2, i2t: 1, joint: 3 } };
  const diffusion = { prediction: 'v', schedule: { kind: 'cosine' } } as const;
  const model = new UniDiffuser({
    config: { name: 'fake', imageSize: 4, diffusion, sampling, ...(familiarity && { familiarity }) },
    networks,
    precision: 'fp32',
    inspectCaption: text => ({
      unknownWords: text.split(' ').filter(word => word === 'xyzzy'),
      cut: text.length > 20,
    }),
  });
  return { model, networks, asked };
}

describe('UniDiffuser', () => {
  it('returns what each mode promises', async () => {
    const { model } = fakeModel();
    const seed = 5;
    const pair = { seed, image: { width: 1, height: 1 }, caption: expect.any(String) };
    const { image, caption } = pair;
    expect(await model.textToImage('a cat', { seed })).toMatchObject({ mode: 't2i', samples: [{ seed, image }] });
    expect(await model.imageToText(grey, { seed })).toMatchObject({ mode: 'i2t', samples: [{ seed, caption }] });
    expect(await model.joint({ seed })).toMatchObject({ mode: 'joint', samples: [pair] });
    expect(await model.image({ seed })).toMatchObject({ mode: 'i', samples: [{ seed, image }] });
    expect(await model.text({ seed })).toMatchObject({ mode: 't', samples: [{ seed, caption }] });
    expect(await model.vary(grey, { seed })).toMatchObject({ mode: 'i2t2i', samples: [pair] });
    expect(await model.rephrase('a cat', { seed })).toMatchObject({ mode: 't2i2t', samples: [pair] });
  });

  it('imagines pairs in the order asked for', async () => {
    const { model, asked } = fakeModel();
    const together = await model.joint({ seed: 1, guidance: 1 });
    expect(together.settings.order).toBe('together');
    expect(asked.map(({ tImage, tText }) => tImage === tText)).toEqual([true, true, true]);
    asked.length = 0;
    const textFirst = await model.joint({ seed: 1, guidance: 1, order: 'text-first' });
    expect(textFirst).toMatchObject({ mode: 'joint', settings: { order: 'text-first' } });
    expect(asked.slice(0, 3).map(({ tImage }) => tImage)).toEqual([1000, 1000, 1000]);
    expect(asked.map(({ tText }) => tText === 0)).toEqual([false, false, false, true, true, true]);
    const [pair] = textFirst.samples;
    const { samples } = await model.textToImage(pair!.caption, { seed: 1, guidance: 1 });
    expect(samples).toEqual([{ seed: 1, image: pair!.image }]);
    const alone = await model.image({ seed: 1, guidance: 1, order: 'text-first' });
    expect(alone).toMatchObject({ mode: 'i', settings: { order: 'text-first' } });
    expect(alone.samples).toEqual(textFirst.samples.map(({ seed, image }) => ({ seed, image })));
    await expect(model.joint({ order: 'image-first' as 'together' })).rejects.toThrow(/together, text-first/);
  });

  it('feeds the caption clean and asks a second question for guidance', async () => {
    const { model, asked } = fakeModel();
    await model.textToImage('four', { seed: 1 });
    expect(asked.length).toBe(6);
    expect(asked.map(({ tText }) => tText)).toEqual([0, 1000, 0, 1000, 0, 1000]);
    expect(asked[0]!.y).toEqual(new Float32Array(4).fill(4));
    asked.length = 0;
    await model.textToImage('four', { seed: 1, guidance: 1, steps: 2 });
    expect(asked.length).toBe(2);
  });

  it('makes sample i from seed + i alone, also beyond one group', async () => {
    const { model } = fakeModel();
    const { samples } = await model.text({ seed: 10, n: 40 });
    expect(samples.map(({ seed }) => seed)).toEqual(Array.from({ length: 40 }, (_, i) => 10 + i));
    expect(new Set(samples.map(({ caption }) => caption)).size).toBe(40);
    for (const i of [0, 7, 35]) expect((await model.text({ seed: 10 + i })).samples[0]).toEqual(samples[i]);
  });

  it('draws a seed when none is given and reports it', async () => {
    const { model } = fakeModel();
    const [first, second] = [await model.text(), await model.text()];
    expect(first.samples[0]!.seed).not.toBe(second.samples[0]!.seed);
    const again = await model.text({ seed: first.samples[0]!.seed });
    expect(again.samples).toEqual(first.samples);
  });

  it('reports every step, and previews when asked for them', async () => {
    const { model } = fakeModel();
    const events: ProgressEvent[] = [];
    await model.vary(grey, { seed: 1, n: 2, previewEvery: 2, onProgress: event => events.push(event) });
    const steps = events.filter(event => event.type === 'step-progress');
    expect(steps).toEqual([1, 2, 3, 4, 5, 6].map(step => ({ type: 'step-progress', step, total: 6 })));
    const previews = events.filter(event => event.type === 'image-preview');
    expect(previews.map(({ step, seeds, images }) => [step, seeds, images.length])).toEqual([
      [4, [1, 2], 2],
      [6, [1, 2], 2],
    ]);
  });

  it('reports the samples of all groups but the last when they are finished, with all that results tell', async () => {
    const { model } = fakeModel();
    const early: Extract<ProgressEvent, { type: 'samples-end' }>[] = [];
    const onProgress = (event: ProgressEvent) => void (event.type === 'samples-end' && early.push(event));
    const { samples, settings, unknownWords } = await model.textToImage('a xyzzy', { n: 18, seed: 3, onProgress });
    expect(early.map(({ indices }) => indices)).toEqual([
      [0, 1, 2, 3, 4, 5, 6, 7],
      [8, 9, 10, 11, 12, 13, 14, 15],
    ]);
    expect(early.flatMap(({ result }) => result.samples)).toEqual(samples.slice(0, 16));
    for (const { result } of early) expect(result).toMatchObject({ settings, unknownWords });
    early.splice(0);
    await model.vary(grey, { n: 8, seed: 3, onProgress });
    expect(early).toEqual([]);
  });

  it('names unknown words and measures its parts', async () => {
    const { model } = fakeModel();
    const { unknownWords, captionCut, timings } = await model.textToImage('a xyzzy', { seed: 0 });
    expect([unknownWords, captionCut]).toEqual([['xyzzy'], false]);
    expect(timings.total).toBeGreaterThanOrEqual(timings.encode + timings.sample + timings.decode);
  });

  it('tells how familiar pictures given look, by one evaluation each, if the model has a threshold', async () => {
    const told = fakeModel({ timestep: 150, threshold: 3 });
    const dark = { ...grey, data: new Uint8Array(48).fill(2) };
    const { familiarity, isFamiliar } = await told.model.imageToText(dark, { seed: 1, steps: 3, guidance: 1 });
    expect(told.asked.map(({ tImage }) => tImage)).toEqual([150, 0, 0, 0]);
    expect(told.asked[0]!.tText).toBe(1000);
    expect([Number.isFinite(familiarity), isFamiliar]).toEqual([true, familiarity! >= 3]);
    // Its network returns what it is given with the sign turned: the larger the latent, the worse it is restored.
    const bright = await told.model.imageToText(grey, { seed: 1 });
    expect(bright.familiarity).toBeLessThan(familiarity!);
    expect(bright.isFamiliar).toBe(false);
    const way = await told.model.interpolate({ picture: dark }, { picture: grey }, { frames: 2, seed: 1 });
    expect(way.familiarity).toBe(bright.familiarity);
    expect(await told.model.vary(dark, { seed: 9 })).toMatchObject({ familiarity, isFamiliar });
    expect(await told.model.textToImage('a cat', { seed: 1 })).not.toHaveProperty('familiarity');
    const untold = await fakeModel().model.imageToText(grey, { seed: 1 });
    expect(untold).not.toHaveProperty('familiarity');
    expect(untold).not.toHaveProperty('isFamiliar');
  });

  it('samples with every solver, and tells the noise schedule where it is not uniform', async () => {
    const { model } = fakeModel();
    for (const solver of solverNames) {
      const steps: number[] = [];
      const onProgress = (event: ProgressEvent) => {
        if (event.type === 'step-progress') steps.push(event.step, event.total);
      };
      const { settings } = await model.textToImage('a cat', { seed: 1, steps: 4, solver, onProgress });
      expect(settings).toMatchObject({ solver, steps: 4 });
      expect(settings).not.toHaveProperty('noiseSchedule');
      const total = solver === 'heun' ? 7 : solver === 'pndm' ? 5 : 4;
      expect(steps.slice(-2), solver).toEqual([total, total]);
    }
    const { settings } = await model.textToImage('a cat', { seed: 1, solver: 'euler', noiseSchedule: 'karras' });
    expect(settings).toMatchObject({ solver: 'euler', noiseSchedule: 'karras' });
    const refused = model.textToImage('a cat', { seed: 1, solver: 'ddim', noiseSchedule: 'karras' });
    await expect(refused).rejects.toMatchObject({ code: 'invalid-argument', field: 'noiseSchedule' });
    await expect(refused).rejects.toThrow(/karras goes with the solvers dpm-multistep, .*, not with ddim/);
  });

  it('stops between steps when asked to', async () => {
    const { model, asked } = fakeModel();
    const controller = new AbortController();
    const onProgress = () => controller.abort();
    const cancelled = model.image({ seed: 1, steps: 50, signal: controller.signal, onProgress });
    await expect(cancelled).rejects.toMatchObject({ name: 'AbortError' });
    expect(asked.length).toBe(1);
    await expect(model.joint({ signal: controller.signal })).rejects.toMatchObject({ name: 'AbortError' });
  });

  it.each([
    [{ n: 0 }, /n must be a whole number from 1 to 1024, got 0/],
    [{ n: 1.5 }, /n must be a whole number/],
    [{ seed: -1 }, /seed must be a whole number from 0 to 4294967295, got -1/],
    [{ steps: 0 }, /steps must be a whole number from 1 to 1000, got 0/],
    [{ guidance: Number.NaN }, /guidance must be a number from 0 to 100, got NaN/],
    [{ solver: 'plms' as never }, /solver must be one of dpm-multistep, dpm-multistep-sde, .*, lcm, got "plms"/],
  ])('refuses %j', async (options, message) => {
    const { model } = fakeModel();
    const refused = { code: 'invalid-argument', message: expect.stringMatching(message) };
    await expect(model.textToImage('a cat', options)).rejects.toMatchObject(refused);
  });

  it('refuses an empty caption', async () => {
    await expect(fakeModel().model.textToImage('  ')).rejects.toThrow(/caption is empty/);
  });

  it('releases its networks', async () => {
    const { model, networks } = fakeModel();
    await model.release();
    expect(networks.release).toHaveBeenCalledOnce();
  });
});
