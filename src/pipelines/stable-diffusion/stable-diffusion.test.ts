/** A whole folder as diffusers writes it, with tiny weights, and what the pipeline makes of sizes, masks and long prompts. */
import { copyFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import { describeModel, load, loadAs, type ProgressEvent, packModel, StableDiffusion } from '../index.ts';

const golden = new URL('../../../test/golden/data/checkpoints/sd15-diffusers/', import.meta.url).pathname;
let model: StableDiffusion;
let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'duet-sd-'));
  model = await loadAs('stable-diffusion', golden, { threads: 2 });
});
afterAll(async () => {
  await model.release();
  await rm(scratch, { recursive: true });
});

const quick = { steps: 2, guidance: 2, seed: 3 } as const;
const picture = { width: 40, height: 24, data: Uint8Array.from({ length: 40 * 24 * 3 }, (_, i) => (i * 7) % 256) };
const half = { width: 40, height: 24, data: picture.data.map((_, i) => ((i / 3) % 40 < 16 ? 255 : 0)) };

/** The folder with another config of a component. */
async function changed(name: string, component: string, changes: Readonly<Record<string, unknown>>): Promise<string> {
  const folder = join(scratch, name);
  await cp(golden, folder, { recursive: true });
  const file = join(folder, component);
  const config = JSON.parse(await readFile(file, 'utf8')) as object;
  await writeFile(file, JSON.stringify({ ...config, ...changes }));
  return folder;
}

describe('a folder of diffusers', () => {
  it('loads by its path, typed, and says what it can do', async () => {
    const loaded = await load(golden, { device: 'reference' });
    expect(loaded).toBeInstanceOf(StableDiffusion);
    expect([loaded.family, loaded.name, loaded.imageSize]).toEqual(['stable-diffusion', 'sd15-diffusers', 64]);
    await loaded.release();
    expectTypeOf(model).toEqualTypeOf<StableDiffusion>();
    const { description } = await describeModel(golden);
    expect(Object.keys(description.calls)).toEqual(['t2i', 'i2t2i', 'inpaint']);
    expect(description.defaults['i2t2i']).toMatchObject({ steps: 50, guidance: 7.5, solver: 'pndm', strength: 0.8 });
    await expect(loadAs('unidiffuser', golden)).rejects.toThrow(/of the family "stable-diffusion", not unidiffuser/);
    await expect(packModel(golden, join(scratch, 'packed'))).rejects.toThrow(/no folder of Duet's own/);
  });

  it.each([
    ['model_index.json', { _class_name: 'UniDiffuserPipeline' }, /UniDiffuser's folders of diffusers are not read yet/],
    [
      'model_index.json',
      { _class_name: 'FluxPipeline' },
      /pipeline FluxPipeline is not known here; .*StableDiffusionPipeline/,
    ],
    ['unet/config.json', { addition_embed_type: 'text' }, /unet: addition_embed_type "text" is not built/],
    ['unet/config.json', { in_channels: 'four' }, /unet: in_channels/],
    ['unet/config.json', { in_channels: 5 }, /a U-Net of 4 or 9 channels is needed, got 5/],
    ['vae/config.json', { act_fn: 'relu' }, /vae: .*act_fn must be silu/],
    [
      'scheduler/scheduler_config.json',
      { _class_name: 'KDPM2DiscreteScheduler' },
      /KDPM2DiscreteScheduler is not known/,
    ],
    ['tokenizer/vocab.json', { '<|startoftext|>': 1.5 }, /tokenizer file is not valid/],
  ] as [string, object, RegExp][])('is refused by name: %s %j', async (file, changes, message) => {
    const folder = await changed(
      `refused-${Math.abs(hash(`${file}${message}`))}`,
      file,
      changes as Record<string, unknown>,
    );
    await expect(load(folder).then(m => (m as StableDiffusion).textToImage('a', quick))).rejects.toThrow(message);
  });

  it('reads a tokenizer.json, and text encoders without the old prefix', async () => {
    const folder = await changed('fast-tokenizer', 'tokenizer/tokenizer_config.json', {});
    const vocab = JSON.parse(await readFile(join(folder, 'tokenizer/vocab.json'), 'utf8')) as object;
    const lines = (await readFile(join(folder, 'tokenizer/merges.txt'), 'utf8')).split('\n').slice(1).filter(Boolean);
    const fast = { model: { type: 'BPE', vocab, merges: lines.map(line => line.split(' ')) } };
    await writeFile(join(folder, 'tokenizer/tokenizer.json'), JSON.stringify(fast));
    await rm(join(folder, 'tokenizer/vocab.json'));
    const other = await loadAs('stable-diffusion', folder);
    const [a, b] = [await other.textToImage('a red boat', quick), await model.textToImage('a red boat', quick)];
    expect(a.samples[0]!.image.data).toEqual(b.samples[0]!.image.data);
    await other.release();
  });

  it.each([
    [{ _class_name: 'LCMScheduler' }, { solver: 'lcm', steps: 4, guidance: 1 }],
    [
      { _class_name: 'EulerDiscreteScheduler', timestep_spacing: 'trailing' },
      { solver: 'euler', steps: 1, guidance: 1 },
    ],
    [
      { _class_name: 'DDIMScheduler', prediction_type: 'v_prediction', timestep_spacing: 'trailing' },
      { solver: 'ddim', steps: 50, guidance: 7.5 },
    ],
  ])('has the defaults of its kind: %j', async (changes, defaults) => {
    const folder = await changed(
      `kind-${Math.abs(hash(JSON.stringify(changes)))}`,
      'scheduler/scheduler_config.json',
      changes,
    );
    expect((await describeModel(folder)).description.defaults['t2i']).toMatchObject(defaults);
  });

  it('without weights, or with pickles alone, says what is missing', async () => {
    const folder = join(scratch, 'pickles');
    await cp(golden, folder, { recursive: true });
    await copyFile(join(folder, 'model_index.json'), join(folder, 'vae/diffusion_pytorch_model.bin'));
    await rm(join(folder, 'vae/diffusion_pytorch_model.safetensors'));
    await expect(load(folder)).rejects.toThrow(/no diffusion_pytorch_model.safetensors; .*\.bin is a pickle/);
    await mkdir(join(scratch, 'empty'));
    await expect(load(join(scratch, 'empty'))).rejects.toThrow(
      /a config.json or, as diffusers writes it, a model_index.json/,
    );
  });
});

describe('drawing', () => {
  it('makes picture i from seed + i alone, whatever else is drawn', async () => {
    const { samples, settings, mode } = await model.textToImage('a boat', { ...quick, n: 3 });
    expect([mode, samples.map(({ seed }) => seed)]).toEqual(['t2i', [3, 4, 5]]);
    expect(settings).toEqual({ model: 'sd15-diffusers', steps: 2, guidance: 2, solver: 'pndm', width: 64, height: 64 });
    const alone = await model.textToImage('a boat', { ...quick, seed: 5 });
    expect(near(alone.samples[0]!.image.data, samples[2]!.image.data)).toBe(true);
  });

  it.each([
    [{ width: 48, height: 32 }, [48, 32]],
    [{ width: 72, height: 40 }, [72, 40]],
    [{ height: 24 }, [24, 24]],
  ] as const)('draws any size that is a multiple of 8: %j', async (size, sides) => {
    const { image } = (await model.textToImage('', { ...quick, ...size })).samples[0]!;
    expect([image.width, image.height]).toEqual(sides);
  });

  it('follows prompt, negative prompt, guidance, rescaling and solver', async () => {
    const drawn = async (prompt: string, options: object) =>
      (await model.textToImage(prompt, { ...quick, ...options })).samples[0]!.image.data;
    const base = await drawn('a boat', {});
    const others = [
      await drawn('an old house', {}),
      await drawn('a boat', { negativePrompt: 'sea' }),
      await drawn('a boat', { guidance: 8 }),
      await drawn('a boat', { guidanceRescale: 1 }),
      await drawn('a boat', { solver: 'euler-ancestral' }),
      await drawn('a boat', { steps: 3 }),
    ];
    for (const other of others) expect(other).not.toEqual(base);
  });

  it('tells that a prompt, or a negative prompt, was cut to 77 tokens', async () => {
    const long = 'boat '.repeat(100);
    expect(model.inspectCaption(long)).toMatchObject({ cut: true });
    expect((await model.textToImage('a boat', quick)).captionCut).toBe(false);
    expect((await model.textToImage(long, quick)).captionCut).toBe(true);
    expect((await model.textToImage('a boat', { ...quick, negativePrompt: long })).captionCut).toBe(true);
  });

  it('reports steps and previews in order, and stops when asked to', async () => {
    const events: ProgressEvent[] = [];
    await model.textToImage('a', {
      ...quick,
      steps: 4,
      n: 2,
      previewEvery: 2,
      onProgress: event => events.push(event),
    });
    const steps = events.flatMap(event => (event.type === 'step-progress' ? [[event.step, event.total]] : []));
    expect(steps).toEqual([1, 2, 3, 4, 5].map(step => [step, 5])); // PNDM repeats one
    expect(events.filter(({ type }) => type === 'image-preview')).toHaveLength(2);
    const controller = new AbortController();
    const stopped = model.textToImage('a', {
      ...quick,
      steps: 50,
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
  });

  it.each([
    ['t2i', {}, { width: 60 }, /width must be a whole number from 8 to 2048 that is a multiple of 8, got 60/],
    ['t2i', {}, { strength: 0.5 }, /the mode t2i has no option strength/],
    ['i2t2i', {}, {}, /needs image/],
    ['joint', {}, {}, /mode must be one of t2i, i2t2i, inpaint/],
    ['inpaint', { image: picture }, {}, /Nothing says what to repaint/],
  ])('refuses %s %#', async (mode, inputs, options, message) => {
    await expect(model.run(mode, inputs, options)).rejects.toThrow(message);
  });
});

describe('drawing from a picture', () => {
  it('keeps its size, and changes the more the greater the strength', async () => {
    const drawn: Uint8Array[] = [];
    for (const strength of [0, 0.3, 1]) {
      const { samples, settings } = await model.vary(picture, { prompt: 'a boat', ...quick, steps: 10, strength });
      expect(settings).toMatchObject({ width: 40, height: 24, strength });
      drawn.push(samples[0]!.image.data);
    }
    const [copy, little, all] = drawn as [Uint8Array, Uint8Array, Uint8Array];
    expect(distance(little, copy)).toBeGreaterThan(0);
    expect(distance(little, copy)).toBeLessThan(distance(all, copy));
  });

  it('is brought to the size asked for', async () => {
    const { image } = (await model.vary(picture, { ...quick, width: 32, height: 32 })).samples[0]!;
    expect([image.width, image.height]).toEqual([32, 32]);
    const large = { width: 400, height: 100, data: new Uint8Array(400 * 100 * 3) };
    const own = (await model.vary(large, quick)).samples[0]!.image;
    expect([own.width, own.height]).toEqual([128, 32]); // as many pixels as the model's own pictures have
  });

  it('paints in what is masked and leaves the rest exactly', async () => {
    const { samples } = await model.inpaint({ picture, mask: half, prompt: 'a boat' }, quick);
    const { data } = samples[0]!.image;
    const kept = data.filter((_, i) => (i / 3) % 40 >= 16);
    expect(kept).toEqual(picture.data.filter((_, i) => (i / 3) % 40 >= 16));
    expect(data).not.toEqual(picture.data);
  });
});

function hash(text: string): number {
  return [...text].reduce((sum, letter) => (Math.imul(sum, 31) + letter.charCodeAt(0)) | 0, 7);
}

function distance(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length;
}

/** Equal but for rounding: networks add up in another order for another batch. */
function near(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((value, i) => Math.abs(value - b[i]!) <= 1);
}
