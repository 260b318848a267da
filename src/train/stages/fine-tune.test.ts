import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyModel } from '../../../test/support/tiny-model.ts';
import { tinyOptimizer } from '../../../test/support/tiny-optimizer.ts';
import { tinyModelWithUnet } from '../../../test/support/tiny-unet.ts';
import { isHostTensor } from '../../core/host-tensor.ts';
import { flattenTree } from '../../core/tree.ts';
import { loadAs } from '../../pipelines/index.ts';
import { writeModelFolder } from '../../pipelines/unidiffuser/model-folder.ts';
import { type FineTuneStage, parseStageConfig } from '../config.ts';
import { train } from '../loop.ts';
import { loadBaseModel } from './base-model.ts';
import { fineTuneStage } from './fine-tune.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'duet-fine-tune-'));
  await writeModelFolder(join(folder, 'base'), tinyModel());
  await writeModelFolder(join(folder, 'with-unet'), tinyModelWithUnet());
});
afterAll(() => rm(folder, { recursive: true }));

const engine = { device: 'cpu', threads: 1 } as const;

function stage(changes: Partial<FineTuneStage>) {
  const mix = { textClean: 0.5, imageClean: 0.2, textIgnored: 0.1, imageIgnored: 0.1, independent: 0.05, equal: 0.05 };
  const json: FineTuneStage = {
    stage: 'fine-tune',
    name: 'smaller-patches',
    seed: 3,
    from: join(folder, 'base'),
    steps: 3,
    batch: 4,
    optimizer: tinyOptimizer(),
    data: { source: 'scenes', size: 16, count: 8, seed: 4, canonicalShare: 0.5 },
    checkpointSeconds: 1e6,
    sampleEvery: 3,
    loss: { image: 1, clip: 0.5, text: 1 },
    curriculum: [{ at: 0, ...mix }],
    ...changes,
  };
  return fineTuneStage(parseStageConfig(json) as FineTuneStage, { engine, cache: join(folder, 'cache') });
}

describe('the stage fine-tune with other patches', () => {
  it('goes on with all that does not depend on them, and writes a model that draws with them', async () => {
    const { initialParams } = await stage({ model: { patchSize: 2, finalConv: true } });
    const initial = flattenTree(initialParams, isHostTensor);
    const before = flattenTree(tinyModel().weights.uvit, isHostTensor);
    const changed = Object.keys(initial).filter(name => `${initial[name]!.data}` !== `${before[name]?.data}`);
    expect(changed.sort()).toEqual([
      'finalConv.bias',
      'finalConv.weight',
      'patchEmbed.weight',
      'patchOut.bias',
      'patchOut.weight',
      'positions',
    ]);
    // 2 x 2 patches of 4 become 4 x 4 patches of 2: the first two of the first row, and of the second, lie in the first old one.
    const { width } = tinyModel().config.uvit;
    const row = (from: typeof before, at: number) => {
      const { data } = from['positions']!;
      return [...data.subarray(at * width, (at + 1) * width)];
    };
    const others = before['positions']!.shape[0]! - 4;
    const cameFrom = [0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3];
    for (let at = 0; at < others; at++) expect(row(initial, at)).toEqual(row(before, at));
    for (const [at, from] of cameFrom.entries()) expect(row(initial, others + at)).toEqual(row(before, others + from));

    const out = join(folder, 'run');
    for await (const event of train(await stage({ model: { patchSize: 2, finalConv: true } }), {
      out,
      resume: false,
      engine,
    })) {
      if (event.type === 'step') expect(event.loss).toBeGreaterThan(0);
    }
    const { config } = await loadBaseModel(join(out, 'model'));
    expect(config.uvit).toEqual({ ...tinyModel().config.uvit, patchSize: 2, finalConv: true });
    const model = await loadAs('unidiffuser', join(out, 'model'), { device: 'reference' });
    const { samples } = await model.textToImage('a red apple', { seed: 1, steps: 1 });
    expect(samples[0]!.image).toMatchObject({ width: 16, height: 16 });
    await model.release();
  });

  it('refuses patches that do not cover the latent image', async () => {
    await expect(stage({ model: { patchSize: 3, finalConv: false } })).rejects.toThrow(/must divide .* 8, got 3/);
  });
});

describe('the stage fine-tune of a model with a U-Net', () => {
  it.each([
    ['leaves it out', {}, undefined],
    ['keeps it if that is wanted', { keepsUnet: true }, tinyModelWithUnet().config.unet],
  ])('%s', async (_, changes, unet) => {
    const out = join(folder, `unet-${Object.keys(changes).length}`);
    const own = await stage({ from: join(folder, 'with-unet'), steps: 1, ...changes });
    for await (const _event of train(own, { out, resume: false, engine }));
    const { config, weights } = await loadBaseModel(join(out, 'model'));
    expect(config.unet).toEqual(unet);
    expect(weights.unet === undefined).toBe(unet === undefined);
  });
});
