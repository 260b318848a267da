import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyModel } from '../../../test/support/tiny-model.ts';
import { tinyOptimizer } from '../../../test/support/tiny-optimizer.ts';
import { tinyUnet } from '../../../test/support/tiny-unet.ts';
import { createTokenizer } from '../../clip/index.ts';
import { isHostTensor } from '../../core/host-tensor.ts';
import { flattenTree } from '../../core/tree.ts';
import { isHeldOut } from '../../emoji/scenes/held-out.ts';
import { parse } from '../../emoji/scenes/parse.ts';
import { loadAs } from '../../pipelines/index.ts';
import { writeModelFolder } from '../../pipelines/unidiffuser/model-folder.ts';
import { loadSafetensors } from '../../weights/safetensors.ts';
import { parseStageConfig, type UnetStage } from '../config.ts';
import { train } from '../loop.ts';
import { loadBaseModel } from './base-model.ts';
import { openSource, openValidation } from './context.ts';
import { unetStage } from './unet.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'duet-unet-'));
  await writeModelFolder(join(folder, 'base'), tinyModel());
});
afterAll(() => rm(folder, { recursive: true }));

const steps = 4;
const engine = { device: 'cpu', threads: 1 } as const;

function config(changes: Partial<UnetStage> = {}): UnetStage {
  const json: UnetStage = {
    stage: 'unet',
    name: 'tiny-unet',
    seed: 3,
    from: join(folder, 'base'),
    steps,
    batch: 4,
    optimizer: tinyOptimizer({ schedule: 'cosine', finalShare: 0.1 }),
    data: { source: 'scenes', size: 16, count: 8, seed: 4, canonicalShare: 0.5 },
    checkpointSeconds: 1e6,
    sampleEvery: steps,
    model: tinyUnet(),
    emptyShare: 0.5,
    ...changes,
  };
  return parseStageConfig(json) as UnetStage;
}

const stage = (changes: Partial<UnetStage> = {}) =>
  unetStage(config(changes), { engine, cache: join(folder, 'cache') });

/** The model with the U-Net in it, which draws what needs no pair at once. */
async function expectDrawingModel(out: string): Promise<void> {
  const { config, weights } = await loadBaseModel(join(out, 'model'));
  const { unet, ...own } = config;
  expect(own).toEqual({ ...tinyModel().config, name: 'tiny-unet' });
  expect(unet).toMatchObject({
    network: tinyUnet(),
    diffusion: { prediction: 'v', schedule: { kind: 'cosine' } },
    features: 'mean',
    finishesFrom: 0.5,
    draws: ['t2i', 'i2t2i', 'inpaint'],
  });
  const { tensors } = await loadSafetensors(join(out, 'model.safetensors'));
  expect(flattenTree(weights.unet!, isHostTensor)).toEqual(tensors);
  const model = await loadAs('unidiffuser', join(out, 'model'), { device: 'reference' });
  const { settings } = await model.textToImage('a red apple', { seed: 1, steps: 1 });
  expect(settings).toMatchObject({ model: 'tiny-unet', network: 'unet' });
  await model.release();
}

describe('the stage unet', () => {
  it('goes on after an abort to the very same numbers, measures held-out scenes of every kind, and writes a model that draws', async () => {
    const run = async (out: string, stopAt?: number) => {
      const controller = new AbortController();
      const metrics: Record<string, number> = {};
      const options = { out: join(folder, out), resume: true, engine, signal: controller.signal };
      for await (const event of train(await stage(), options)) {
        if (event.type === 'step' && event.step === stopAt) controller.abort(new Error('enough'));
        if (event.type === 'sample') Object.assign(metrics, event.sample.metrics);
      }
      return metrics;
    };
    await expect(run('resumed', 2)).rejects.toThrow('enough');
    expect(await readdir(join(folder, 'resumed', 'checkpoints'))).toEqual(['step-00000002.safetensors']);
    const metrics = await run('resumed');
    expect(await run('straight')).toEqual(metrics);
    expect(Object.keys(metrics)).toEqual(['largePsnr', 'smallPsnr', 'pairPsnr', 'countPsnr']);
    for (const value of Object.values(metrics)) expect(value).toBeGreaterThan(0);
    const state = (out: string) =>
      loadSafetensors(join(folder, out, 'checkpoints', `step-0000000${steps}.safetensors`));
    expect((await state('resumed')).tensors).toEqual((await state('straight')).tensors);
    await expectDrawingModel(join(folder, 'straight'));
  });

  it('draws as a function of the step which captions are left out', async () => {
    const tokenizer = createTokenizer(tinyModel().tokenizer);
    const length = tinyModel().config.textTokens;
    const emptyRows = async (emptyShare: number, step: number): Promise<number[]> => {
      const { batch } = await stage({ emptyShare, batch: 32 });
      const { ids } = await batch(step);
      const empty = `${tokenizer.frame('', length)}`;
      const rows = Array.from({ length: 32 }, (_, row) => row);
      return rows.filter(row => `${ids!.data.slice(row * length, (row + 1) * length)}` === empty);
    };
    expect(await emptyRows(0, 1)).toEqual([]);
    expect(await emptyRows(1, 1)).toHaveLength(32);
    const some = await emptyRows(0.5, 1);
    expect(some.length).toBeGreaterThan(4);
    expect(some.length).toBeLessThan(28);
    expect(await emptyRows(0.5, 1)).toEqual(some);
    expect(await emptyRows(0.5, 2)).not.toEqual(some);
  });

  it('spreads the timesteps evenly, with their noise levels', async () => {
    const { time, alpha, sigma } = await (await stage()).batch(0);
    expect(Array.from(time!.data, t => Math.ceil(t / 250))).toEqual([4, 3, 2, 1]);
    alpha!.data.forEach((value, i) => {
      expect(value).toBeCloseTo(Math.cos((Math.PI * time!.data[i]!) / 2000), 3);
      expect(value ** 2 + sigma!.data[i]! ** 2).toBeCloseTo(1, 5);
    });
  });

  it('learns no held-out combination, and is measured on nothing else', async () => {
    const data = { source: 'scenes', size: 16, count: 300, seed: 4, canonicalShare: 0.5 } as const;
    const sources = [await openSource(data), await openValidation(data, 300)];
    const scenes = sources.map(source => Array.from({ length: 300 }, (_, i) => parse(source.canonicalCaption!(i))!));
    expect(scenes.map(some => some.filter(isHeldOut).length)).toEqual([0, 300]);
  });

  it.each([
    [{ inChannels: 6 }, /model\.inChannels is 6, the model .*base needs 4/],
    [{ contextWidth: 5 }, /model\.contextWidth is 5, .* needs 8/],
    [{ class: { kind: 'labels', count: 3 } }, /model\.class is .*leave it out.*"width": 8/],
    [{ class: { kind: 'features', width: 6, map: 'mlp' } }, /model\.class is .*"width": 8/],
    [{ normGroups: 3 }, /no multiple of normGroups 3/],
  ] as [Partial<UnetStage['model']>, RegExp][])(
    'refuses a network that does not fit the model: %j',
    async (change, message) => {
      await expect(stage({ model: { ...tinyUnet(), ...change } })).rejects.toThrow(message);
    },
  );

  it('refuses pictures of another size', async () => {
    const data = { source: 'scenes', size: 32, count: 8, seed: 4, canonicalShare: 0.5 } as const;
    await expect(stage({ data })).rejects.toThrow(/data\.size is 32; the model .* makes pictures of 16 pixels/);
  });
});
