/** What evaluation measures must be what users get: the same seeds give the same samples through both doors. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyModel } from '../../../test/support/tiny-model.ts';
import { loadAs } from '../index.ts';
import { loadEvalModel } from './evaluation.ts';
import { writeModelFolder } from './model-folder.ts';
import type { UniDiffuser } from './unidiffuser.ts';

let folder: string;
let measured: Awaited<ReturnType<typeof loadEvalModel>>;
let used: UniDiffuser;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'duet-eval-'));
  await writeModelFolder(folder, tinyModel());
  measured = await loadEvalModel(folder, { device: 'reference' });
  used = await loadAs('unidiffuser', folder, { device: 'reference' });
});
afterAll(async () => {
  await Promise.all([measured.release(), used.release()]);
  await rm(folder, { recursive: true });
});

const settings = { seed: 4, steps: 2 };
const captions = ['a red apple', 'two green trees'];

describe('loadEvalModel', () => {
  it('draws caption i from seed + i', async () => {
    const pictures = await measured.textToImage(captions, settings);
    for (const [i, caption] of captions.entries()) {
      const { samples } = await used.textToImage(caption, { ...settings, seed: settings.seed + i });
      expect(pictures[i]).toEqual(samples[0]!.image.data);
    }
  });

  it('describes picture i from seed + i', async () => {
    const { samples } = await used.image({ n: 2, seed: 1 });
    const found = await measured.imageToText(
      samples.map(({ image }) => image.data),
      settings,
    );
    for (const [i, { image }] of samples.entries()) {
      const described = await used.imageToText(image, { ...settings, seed: settings.seed + i });
      expect(found[i]).toBe(described.samples[0]!.caption);
    }
  });

  it('imagines the same pairs, pictures and captions', async () => {
    const pairs = (await used.joint({ ...settings, n: 2 })).samples;
    expect(await measured.joint(2, settings)).toEqual(
      pairs.map(({ image, caption }) => ({ pixels: image.data, caption })),
    );
    const pictures = (await used.image({ ...settings, n: 2 })).samples;
    expect(await measured.image(2, settings)).toEqual(pictures.map(({ image }) => image.data));
    const texts = (await used.text({ ...settings, n: 2 })).samples;
    expect(await measured.text(2, settings)).toEqual(texts.map(({ caption }) => caption));
  });

  it('embeds words and pictures in one space and reconstructs pictures', async () => {
    const pictures = (await measured.image(3, settings)).slice(0, 3);
    const [words, images] = [await measured.embedText(captions), await measured.embedImage(pictures)];
    expect([words.length, images.length]).toEqual([2, 3]);
    expect(words[0]!.length).toBe(images[0]!.length);
    expect((await measured.reconstruct(pictures)).map(({ length }) => length)).toEqual([768, 768, 768]);
  });
});
