import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyModel } from '../../../test/support/tiny-model.ts';
import { float32, isTensorSource, sizeOf, type TensorSource } from '../../core/host-tensor.ts';
import { flattenTree } from '../../core/tree.ts';
import { readFileTensor } from '../../engine/file-tensor.ts';
import { loadSafetensors } from '../../weights/safetensors.ts';
import { saveSafetensors } from '../../weights/write-safetensors.ts';
import { load } from '../index.ts';
import { parseModelConfig } from './model-config.ts';
import { packModel, readModelFolder, writeModelFolder } from './model-folder.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'duet-model-'));
});
afterAll(() => rm(folder, { recursive: true }));

const model = tinyModel();

describe('model folder', () => {
  it('comes back as it was written, full precision staying in its files', async () => {
    await writeModelFolder(join(folder, 'whole'), model);
    const read = await readModelFolder(join(folder, 'whole'));
    expect(read.config).toEqual(model.config);
    expect(read.tokenizer).toEqual(model.tokenizer);
    const written = flattenTree(model.weights.uvit, isTensorSource);
    const found = flattenTree(read.weights.uvit, isTensorSource);
    expect(Object.keys(found)).toEqual(Object.keys(written));
    expect(found['patchEmbed.weight']).toMatchObject({ file: join(folder, 'whole', 'uvit.safetensors') });
  });

  it('keeps half precision in its files as well', async () => {
    await writeModelFolder(join(folder, 'half'), model, { floats: 'F16' });
    const read = await readModelFolder(join(folder, 'half'));
    const weight = flattenTree(read.weights.uvit, isTensorSource)['patchEmbed.weight']!;
    const original = flattenTree(model.weights.uvit, isTensorSource)['patchEmbed.weight']!;
    if (!('file' in weight && 'data' in original)) throw new Error('weights are mapped');
    for (const [i, value] of readFileTensor(weight).data.entries()) expect(value).toBeCloseTo(original.data[i]!, 3);
  });

  it('refuses a configuration with unknown or wrong keys, naming the place', async () => {
    const broken = join(folder, 'broken');
    await writeModelFolder(broken, model);
    const text = await readFile(join(broken, 'config.json'), 'utf8');
    await writeFile(join(broken, 'config.json'), text.replace('"imageSize": 16', '"imageSize": "big"'));
    const refused = { code: 'invalid-config', message: expect.stringMatching(/config\.json: \/imageSize/) };
    await expect(readModelFolder(broken)).rejects.toMatchObject(refused);
    await writeFile(join(broken, 'config.json'), '{');
    await expect(readModelFolder(broken)).rejects.toMatchObject({ code: 'invalid-config' });
  });

  it('reads the name that discrete tables had before', () => {
    const { config } = model;
    const diffusion = { ...config.diffusion, schedule: { kind: 'whole-table' } };
    expect(parseModelConfig({ ...config, diffusion }, 'old').diffusion.schedule).toEqual({ kind: 'discrete-table' });
  });

  it('refuses weights that do not fit, naming what is missing, unknown or misshapen', async () => {
    const wrong = join(folder, 'wrong');
    await writeModelFolder(wrong, model);
    const file = join(wrong, 'uvit.safetensors');
    const { 'norm.weight': weight, ...rest } = (await loadSafetensors(file)).tensors;
    await saveSafetensors(file, { ...rest, extra: weight!, 'norm.bias': float32([3], new Float32Array(3)) });
    const message =
      `${file} does not fit its configuration: 1 parameters are missing (norm.weight), 1 are unknown (extra), ` +
      '1 have another type or shape (norm.bias is float32 [3] instead of float32 [16])';
    await expect(readModelFolder(wrong)).rejects.toMatchObject({ code: 'invalid-weights', message });
    await expect(packModel(wrong, join(folder, 'packed'))).rejects.toMatchObject({ code: 'invalid-weights' });
  });

  it('is packed into half the size, under another name', async () => {
    await writeModelFolder(join(folder, 'full'), model);
    const bytes = await packModel(join(folder, 'full'), join(folder, 'packed'), { name: 'small' });
    const packed = await readModelFolder(join(folder, 'packed'));
    expect(packed.config).toEqual({ ...model.config, name: 'small' });
    const sizes = Object.values(packed.weights).flatMap(tree =>
      Object.values(flattenTree<TensorSource>(tree, isTensorSource)).map(({ shape }) => sizeOf(shape)),
    );
    const parameters = sizes.reduce((sum, size) => sum + size, 0);
    expect(bytes).toBeGreaterThan(2 * parameters);
    expect(bytes).toBeLessThan(2 * parameters + 40_000); // the headers
  });
});

describe('load', () => {
  it('lists the embedded models when there is no such model', async () => {
    const missing = { code: 'model-not-found', message: expect.stringMatching(/no model "nothing".*Embedded models/) };
    await expect(load('nothing')).rejects.toMatchObject(missing);
    await expect(load(join(folder, 'absent'))).rejects.toMatchObject({ code: 'model-not-found' });
  });
});
