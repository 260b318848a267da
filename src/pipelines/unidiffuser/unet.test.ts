/** A model folder with a U-Net beside its U-ViT: what it says of itself, which network draws, and that their calls fit together. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyModel } from '../../../test/support/tiny-model.ts';
import { tinyModelWithUnet, tinyUnet } from '../../../test/support/tiny-unet.ts';
import type { Pixels } from '../../image/index.ts';
import { solverNames } from '../../sampler/index.ts';
import { loadSafetensors } from '../../weights/safetensors.ts';
import { saveSafetensors } from '../../weights/write-safetensors.ts';
import { choicesOf, describeModel, loadAs, type ModelConfig, type ProgressEvent, packModel } from '../index.ts';
import type { Contexts } from '../stable-diffusion/calls/draw.ts';
import { loadEvalModel } from './evaluation.ts';
import { loadDiffusionModel } from './load.ts';
import { parseModelConfig } from './model-config.ts';
import { readModelFolder, writeModelFolder } from './model-folder.ts';
import { CompiledNetworks } from './networks/compiled-networks.ts';
import type { UniDiffuser } from './unidiffuser.ts';

let scratch: string;
let folder: string;
let model: UniDiffuser;
let plain: UniDiffuser;
/** The U-Net finishes what the U-ViT composes. */
let shared: UniDiffuser;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'duet-unet-model-'));
  folder = join(scratch, 'both');
  await writeModelFolder(folder, tinyModelWithUnet());
  await writeModelFolder(join(scratch, 'plain'), tinyModel());
  await writeModelFolder(join(scratch, 'shared'), tinyModelWithUnet({ finishesFrom: 0.5 }));
  model = await loadAs('unidiffuser', folder, { threads: 1 });
  plain = await loadAs('unidiffuser', join(scratch, 'plain'), { threads: 1 });
  shared = await loadAs('unidiffuser', join(scratch, 'shared'), { threads: 1 });
}, 240_000);
afterAll(async () => {
  await Promise.all([model.release(), plain.release(), shared.release()]);
  await rm(scratch, { recursive: true });
});

const caption = 'a red apple';
const quick = { seed: 4, steps: 3 } as const;
const picture: Pixels = {
  width: 16,
  height: 16,
  data: Uint8Array.from({ length: 16 * 16 * 3 }, (_, i) => (i * 7) % 256),
};
/** White on the left half: there it is painted anew. */
const half: Pixels = { ...picture, data: picture.data.map((_, i) => (Math.floor(i / 3) % 16 < 8 ? 255 : 0)) };

const bytesOf = (samples: readonly { readonly image: { readonly data: Uint8Array } }[]) =>
  samples.map(({ image }) => image.data);

/** The largest difference of two pictures: networks add up in another order in another batch. */
function difference(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}

describe('the folder', () => {
  it('comes back as it was written, and is packed with its U-Net', async () => {
    const read = await readModelFolder(folder);
    expect(read.config).toEqual(tinyModelWithUnet().config);
    expect(read.weights.unet?.convIn.weight).toMatchObject({ file: join(folder, 'unet.safetensors') });
    const packed = join(scratch, 'packed');
    await packModel(folder, packed, { name: 'small' });
    expect((await readModelFolder(packed)).config).toEqual({ ...read.config, name: 'small' });
    const { tensors } = await loadSafetensors(join(packed, 'unet.safetensors'));
    const { tensors: whole } = await loadSafetensors(join(folder, 'unet.safetensors'));
    expect(Object.keys(tensors).sort()).toEqual(Object.keys(whole).sort());
  });

  it('says which network draws by default, and offers no choice where there is none', async () => {
    const { description } = await describeModel(folder);
    expect(description.defaults['t2i']).toMatchObject({ network: 'unet', steps: 2, guidance: 1.5 });
    expect(description.defaults['i2t']).toMatchObject({ steps: 3, guidance: 2 });
    expect(description.defaults['i2t']).not.toHaveProperty('network');
    expect(description.calls['t2i']?.withoutEffect ?? []).toEqual([]);
    const { description: other } = await describeModel(join(scratch, 'plain'));
    expect(other.defaults['t2i']).not.toHaveProperty('network');
    expect(other.calls['t2i']?.withoutEffect).toEqual(['network']);
    expect([other, description].map(({ options }) => choicesOf(options['network']))).toEqual([
      ['uvit'],
      ['unet', 'uvit'],
    ]);
  });

  it('without the weights, or with others, is refused by name', async () => {
    const broken = join(scratch, 'broken');
    await writeModelFolder(broken, tinyModelWithUnet());
    const file = join(broken, 'unet.safetensors');
    const { 'convIn.weight': _, ...rest } = (await loadSafetensors(file)).tensors;
    await saveSafetensors(file, rest);
    const misshapen = { code: 'invalid-weights', message: expect.stringMatching(/1 parameters are missing \(convIn/) };
    await expect(readModelFolder(broken)).rejects.toMatchObject(misshapen);
    await expect(packModel(broken, join(scratch, 'no'))).rejects.toMatchObject(misshapen);
    await rm(file);
    await expect(readModelFolder(broken)).rejects.toThrow(/unet\.safetensors/);
  });

  const withUnet = (change: object) => ({
    ...tinyModelWithUnet().config,
    unet: { ...tinyModelWithUnet().config.unet, ...change },
  });
  it.each([
    [{ network: { ...tinyUnet(), inChannels: 9 } }, /file: unet\.network\.inChannels is 9, the model needs 4/],
    [{ network: { ...tinyUnet(), contextWidth: 9 } }, /unet\.network\.contextWidth is 9, the model needs 8/],
    [{ network: { ...tinyUnet(), guidanceWidth: 9 } }, /unet\.network\.guidanceWidth is 9, the model needs none/],
    [{ network: { ...tinyUnet(), class: { kind: 'timestep' } } }, /unet\.network\.class is .*leave it out/],
    [{ network: { ...tinyUnet(), levels: [] } }, /unet\/network\/levels/],
    [{ features: undefined }, /unet\.features must be "mean"/],
    [{ features: 'end' }, /unet\/features/],
    [{ diffusion: undefined }, /unet/],
    [{ sampling: { steps: 0, guidance: 2 } }, /unet\/sampling\/steps/],
    [{ sampling: { steps: 1, guidance: 2, solver: 'magic' } }, /unet\/sampling\/solver/],
    [{ draws: ['i2t'] }, /unet\/draws/],
    [{ finishesFrom: 0 }, /unet\/finishesFrom/],
    [{ finishesFrom: 1.1 }, /unet\/finishesFrom/],
    [{ more: 1 }, /unet/],
  ])('refuses the configuration %j', (change, message) => {
    expect(() => parseModelConfig(withUnet(change), 'file')).toThrow(message);
  });

  it('draws pairs only of captions that come first', () => {
    const { config } = tinyModelWithUnet();
    const together = { ...config, sampling: { ...config.sampling, order: 'together' } };
    expect(() => parseModelConfig(together, 'file')).toThrow(/unet\.draws has joint, which needs .*text-first/);
  });

  it('is refused if parts of its network do not fit together', async () => {
    const wrong = join(scratch, 'groups');
    await writeModelFolder(wrong, tinyModelWithUnet());
    const file = join(wrong, 'config.json');
    const config = JSON.parse(await readFile(file, 'utf8')) as ModelConfig;
    const unet = { ...config.unet, network: { ...tinyUnet(), normGroups: 3 } };
    await writeFile(file, JSON.stringify({ ...config, unet }));
    await expect(readModelFolder(wrong)).rejects.toThrow(/no multiple of normGroups 3/);
  });
});

describe('which network draws', () => {
  it('is said by the model, chosen by the call, and told by the result', async () => {
    const own = await model.textToImage(caption, { seed: 4 });
    expect(own.settings).toMatchObject({ network: 'unet', steps: 2, guidance: 1.5, solver: 'dpm-multistep' });
    const other = await model.textToImage(caption, { seed: 4, network: 'uvit' });
    expect(other.settings).toMatchObject({ network: 'uvit', steps: 3, guidance: 2 });
    expect(bytesOf(own.samples)).not.toEqual(bytesOf(other.samples));
    const { samples, settings } = await plain.textToImage(caption, { seed: 4 });
    expect(bytesOf(samples)).toEqual(bytesOf(other.samples));
    expect(settings).not.toHaveProperty('network');
    expect((await plain.textToImage(caption, { seed: 4, network: 'uvit' })).settings).toEqual(settings);
  });

  it('can be left to the U-ViT by the model', async () => {
    const own = join(scratch, 'beside');
    await writeModelFolder(own, tinyModelWithUnet({ draws: [], sampling: { steps: 1, guidance: 1, solver: 'ddim' } }));
    const loaded = await loadAs('unidiffuser', own, { threads: 1 });
    expect((await loaded.textToImage(caption, quick)).settings).toMatchObject({ network: 'uvit' });
    const asked = await loaded.textToImage(caption, { seed: 4, network: 'unet' });
    expect(asked.settings).toMatchObject({ network: 'unet', steps: 1, guidance: 1, solver: 'ddim' });
    await loaded.release();
  });

  it.each([
    ['t2i', { network: 'unet' }, /The model tiny has no U-Net; leave network out, or give uvit/],
    ['t2i', { network: 'vae' }, /network must be one of unet, uvit, got "vae"/],
    ['i2t', { network: 'uvit' }, /the mode i2t has no option network/],
  ])('%s with %j is refused by a model without a U-Net', async (mode, options, message) => {
    const inputs = mode === 'i2t' ? { image: picture } : { prompt: caption };
    const refused = { code: 'invalid-argument', field: 'network', message: expect.stringMatching(message) };
    await expect(plain.run(mode, inputs, options as object)).rejects.toMatchObject(refused);
  });

  it('is refused where the U-Net cannot do it', async () => {
    await expect(model.joint({ network: 'unet', order: 'together' })).rejects.toThrow(/order must be text-first/);
    const gaps = { picture, caption: 'a _ apple' };
    await expect(model.inpaint(gaps, { network: 'unet' })).rejects.toThrow(/fills in no words/);
    expect((await model.inpaint(gaps, quick)).settings.network).toBe('uvit');
    expect((await model.joint({ ...quick, order: 'together' })).settings.network).toBe('uvit');
  });
});

describe('drawing by the U-Net', () => {
  it('makes sample i from seed + i alone, whatever runs beside it', async () => {
    const { samples } = await model.textToImage(caption, { ...quick, n: 3 });
    const [first, , third] = bytesOf(samples);
    const beside = await Promise.all([
      model.textToImage(caption, { ...quick, seed: 6 }),
      model.textToImage('two green trees', { seed: 1, steps: 5 }),
      model.imageToText(picture, quick),
      model.textToImage(caption, { ...quick, network: 'uvit' }),
    ]);
    expect(difference(bytesOf(beside[0].samples)[0]!, third!)).toBeLessThanOrEqual(1);
    expect(first).not.toEqual(third);
    const other = await model.textToImage('two green trees', quick);
    expect(difference(bytesOf(other.samples)[0]!, first!)).toBeGreaterThan(1);
  });

  it.each(solverNames)('solves with %s', async solver => {
    const { samples, settings } = await model.textToImage(caption, { ...quick, solver, n: 2 });
    expect(settings.solver).toBe(solver);
    expect(new Set(bytesOf(samples).map(String)).size).toBe(2);
  });

  it('follows guidance and steers away from a negative prompt', async () => {
    const drawn = async (options: object) =>
      bytesOf((await model.textToImage(caption, { ...quick, ...options })).samples)[0];
    const [off, on, away] = [
      await drawn({ guidance: 1 }),
      await drawn({ guidance: 6 }),
      await drawn({ guidance: 6, negativePrompt: 'two green trees' }),
    ];
    expect(on).not.toEqual(off);
    expect(away).not.toEqual(on);
    expect(await drawn({ guidance: 6, negativePrompt: ' ' })).toEqual(on);
  });

  it('reports steps, previews and finished groups', async () => {
    const events: ProgressEvent[] = [];
    const { samples } = await model.textToImage(caption, {
      ...quick,
      n: 9,
      previewEvery: 2,
      onProgress: event => events.push(event),
    });
    const steps = events.flatMap(event => (event.type === 'step-progress' ? [[event.step, event.total]] : []));
    expect(steps).toEqual([1, 2, 3, 4, 5, 6].map(step => [step, 6]));
    const previews = events.flatMap(event => (event.type === 'image-preview' ? [event] : []));
    expect(previews.map(({ step, indices }) => [step, indices])).toEqual([
      [2, [0, 1, 2, 3, 4, 5, 6, 7]],
      [4, [8]],
      [6, [8]],
    ]);
    expect(previews[2]!.images[0]!.data).toEqual(samples[8]!.image.data);
    const [ended] = events.flatMap(event => (event.type === 'samples-end' ? [event] : []));
    expect(ended).toMatchObject({ indices: [0, 1, 2, 3, 4, 5, 6, 7], result: { settings: { network: 'unet' } } });
  });

  it('ends between steps when it is aborted', async () => {
    const controller = new AbortController();
    const call = model.textToImage(caption, {
      steps: 500,
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('enough')),
    });
    await expect(call).rejects.toThrow('enough');
  });

  it('draws a pair, and a picture alone, of the caption that comes first', async () => {
    const { samples, settings } = await model.joint({ ...quick, n: 2 });
    expect(settings).toMatchObject({ network: 'unet', order: 'text-first', steps: 3, guidance: 1.5 });
    for (const { seed, caption: said, image } of samples) {
      if (said.trim() === '') continue; // random weights may say nothing, which nobody can ask for
      const again = await model.textToImage(said, { ...quick, seed });
      expect(difference(again.samples[0]!.image.data, image.data)).toBeLessThanOrEqual(1);
    }
    const alone = await model.image({ ...quick, n: 2 });
    for (const [i, image] of bytesOf(alone.samples).entries()) {
      expect(difference(image, samples[i]!.image.data)).toBeLessThanOrEqual(1);
    }
  });

  it('varies a picture from its description or a caption, the less the smaller the strength', async () => {
    const described = await model.vary(picture, quick);
    expect(described).toMatchObject({ mode: 'i2t2i', settings: { network: 'unet' } });
    expect(described.samples[0]!.caption).toBe(
      (await model.imageToText(picture, { ...quick, guidance: 1.5 })).samples[0]!.caption,
    );
    const [copy, far] = [
      await model.vary(picture, { ...quick, caption, strength: 0 }),
      await model.vary(picture, { ...quick, caption, strength: 1 }),
    ];
    const reconstructed = await model.vary(picture, { ...quick, caption, strength: 0, network: 'uvit' });
    expect(bytesOf(copy.samples)).toEqual(bytesOf(reconstructed.samples));
    const fresh = await model.textToImage(caption, quick);
    expect(difference(bytesOf(far.samples)[0]!, bytesOf(fresh.samples)[0]!)).toBeLessThanOrEqual(1);
    const some = await model.vary(picture, { ...quick, caption, strength: 0.7 });
    expect(bytesOf(some.samples)).not.toEqual(bytesOf(copy.samples));
    expect(bytesOf(some.samples)).not.toEqual(bytesOf(far.samples));
  });

  it.each([
    ['of a caption', { caption }, {}],
    ['of a caption, from the picture', { caption }, { strength: 0.7 }],
    ['without a caption', {}, {}],
    ['without a caption, from the picture', {}, { strength: 0.7 }],
    ['of a caption with gaps', { caption: 'a _ apple' }, {}],
  ])('paints what is masked %s and leaves the rest exactly', async (_, input, options) => {
    const steps: number[] = [];
    const { samples, settings } = await model.inpaint(
      { picture, mask: half, ...input },
      {
        ...quick,
        ...options,
        onProgress: event => event.type === 'step-progress' && steps.push(event.step / event.total),
      },
    );
    expect(settings.network).toBe('unet');
    expect(steps.at(-1)).toBe(1);
    const painted = samples[0]!.image.data;
    const isKept = (i: number) => half.data[i] === 0;
    expect(painted.filter((_value, i) => isKept(i))).toEqual(picture.data.filter((_value, i) => isKept(i)));
    expect(painted.filter((_value, i) => !isKept(i))).not.toEqual(picture.data.filter((_value, i) => !isKept(i)));
    const other = await model.inpaint({ picture, mask: half, ...input }, { ...quick, ...options, network: 'uvit' });
    expect(bytesOf(other.samples)).not.toEqual(bytesOf(samples));
  });

  it('measures what users get', async () => {
    const measured = await loadEvalModel(folder, { threads: 1 });
    const asked = await loadEvalModel(folder, { threads: 1, network: 'uvit' });
    const settings = { seed: 4, steps: 2 };
    const [drawn] = await measured.textToImage([caption], settings);
    expect(drawn).toEqual(bytesOf((await model.textToImage(caption, settings)).samples)[0]);
    const [pair] = await measured.joint(1, settings);
    expect(pair!.pixels).toEqual(bytesOf((await model.joint(settings)).samples)[0]);
    const [other] = await asked.textToImage([caption], settings);
    expect(other).toEqual(bytesOf((await model.textToImage(caption, { ...settings, network: 'uvit' })).samples)[0]);
    await Promise.all([measured.release(), asked.release()]);
    await expect(loadEvalModel(join(scratch, 'plain'), { network: 'unet' })).rejects.toThrow(/has no U-Net/);
  });
});

describe('a U-Net that finishes what the U-ViT composes', () => {
  const four = { seed: 4, steps: 4 } as const;

  it('draws a caption in as many steps as asked for, as neither of the two does alone', async () => {
    const steps: number[][] = [];
    const onProgress = (event: ProgressEvent) =>
      event.type === 'step-progress' && steps.push([event.step, event.total]);
    const { samples, settings } = await shared.textToImage(caption, { ...four, n: 9, onProgress });
    expect(settings).toMatchObject({ network: 'unet', steps: 4 });
    expect(steps).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map(step => [step, 8]));
    const [alone, composed] = [
      await model.textToImage(caption, four),
      await shared.textToImage(caption, { ...four, network: 'uvit' }),
    ];
    for (const other of [alone, composed]) {
      expect(difference(bytesOf(other.samples)[0]!, bytesOf(samples)[0]!)).toBeGreaterThan(1);
    }
    const ninth = await shared.textToImage(caption, { seed: 12, steps: 4 });
    expect(difference(bytesOf(ninth.samples)[0]!, bytesOf(samples)[8]!)).toBeLessThanOrEqual(1);
  });

  it('finishes a given picture alone, up to the strength from which it does', async () => {
    const [own, alone] = [
      await shared.vary(picture, { ...four, caption, strength: 0.5 }),
      await model.vary(picture, { ...four, caption, strength: 0.5 }),
    ];
    expect(difference(bytesOf(own.samples)[0]!, bytesOf(alone.samples)[0]!)).toBeLessThanOrEqual(1);
    const [farther, fartherAlone] = [
      await shared.vary(picture, { ...four, caption, strength: 0.75 }),
      await model.vary(picture, { ...four, caption, strength: 0.75 }),
    ];
    expect(difference(bytesOf(farther.samples)[0]!, bytesOf(fartherAlone.samples)[0]!)).toBeGreaterThan(1);
    const [whole, fresh] = [await shared.vary(picture, { ...four, caption }), await shared.textToImage(caption, four)];
    expect(difference(bytesOf(whole.samples)[0]!, bytesOf(fresh.samples)[0]!)).toBeLessThanOrEqual(1);
  });

  it('steers away from a negative prompt in both', async () => {
    const steered = { ...four, guidance: 6, negativePrompt: 'two green trees' };
    const [own, once] = [
      await shared.textToImage(caption, steered),
      await shared.textToImage(caption, { ...steered, steps: 1 }),
    ];
    const towards = await shared.textToImage(caption, { ...four, guidance: 6 });
    const towardsOnce = await shared.textToImage(caption, { ...four, guidance: 6, steps: 1 });
    expect(bytesOf(own.samples)).not.toEqual(bytesOf(towards.samples));
    // In one step the U-ViT alone draws.
    expect(bytesOf(once.samples)).not.toEqual(bytesOf(towardsOnce.samples));
  });

  it('paints what is masked and leaves the rest exactly', async () => {
    const { samples } = await shared.inpaint({ picture, mask: half, caption }, four);
    const painted = samples[0]!.image.data;
    const isKept = (i: number) => half.data[i] === 0;
    expect(painted.filter((_value, i) => isKept(i))).toEqual(picture.data.filter((_value, i) => isKept(i)));
    const alone = await model.inpaint({ picture, mask: half, caption }, four);
    expect(painted).not.toEqual(alone.samples[0]!.image.data);
  });
});

describe('contexts of another network', () => {
  const options = { seed: 4, solver: 'unipc', steps: 4, guidance: 3 } as const;
  const withPreviews = (previews: ProgressEvent[]) => ({
    ...options,
    previewEvery: 4,
    onProgress: (event: ProgressEvent) => event.type === 'image-preview' && previews.push(event),
  });

  /** The states of the caption and of no words, of a text tower that both models have. */
  async function contextsOf(text: string): Promise<Contexts> {
    const networks = await CompiledNetworks.create(await readModelFolder(folder), { threads: 1 });
    const [context, negative] = await networks.unet!.encodeTexts([text, ''], {});
    await networks.release();
    return { context: context!, negative: negative! };
  }

  it.each([
    ['the U-Net', 'both'],
    ['the U-ViT of a model that has no U-Net', 'plain'],
    ['the U-ViT and then the U-Net', 'shared'],
  ] as const)('in place of the text states are drawn as the caption is, by %s', async (_, name) => {
    const { drawer, release } = await loadDiffusionModel(join(scratch, name), { threads: 1 });
    expect(drawer).toMatchObject({ name: 'tiny', tokens: 8, width: 8 });
    const contexts = await contextsOf(caption);
    const previews: ProgressEvent[] = [];
    const drawn = await drawer.draw(contexts, { ...withPreviews(previews), n: 2 });
    const whole = { both: model, plain, shared }[name];
    const { samples } = await whole.textToImage(caption, { ...options, n: 2 });
    for (const [index, { seed, image }] of drawn.entries()) {
      expect(seed).toBe(samples[index]!.seed);
      expect(difference(image.data, samples[index]!.image.data)).toBeLessThanOrEqual(1);
    }
    expect(previews).toHaveLength(1);
    const [other] = await drawer.draw(await contextsOf('two green trees'), options);
    expect(other!.image.data).not.toEqual(drawn[0]!.image.data);
    await expect(drawer.draw(contexts, { steps: 0 })).rejects.toThrow(/steps/);
    await expect(drawer.draw(contexts, { width: 32 })).rejects.toThrow(/draws pictures of 16 pixels, got 32/);
    await expect(drawer.draw(contexts, { guidanceRescale: 0.5 })).rejects.toThrow(/leave guidanceRescale out/);
    await release();
  });
});
