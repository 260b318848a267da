/** `duet train` in one process: fine-tuning a tiny model on a folder of pairs, and what it says about wrong input. */
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyModel } from '../../test/support/tiny-model.ts';
import { encodeImage } from '../image/index.ts';
import { load, writeModelFolder } from '../pipelines/index.ts';
import { loadSafetensors } from '../weights/safetensors.ts';
import { runCli } from './program.ts';

let folder: string;
const at = (...names: string[]) => join(folder, ...names);

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'duet-train-')));
  await writeModelFolder(at('model'), tinyModel());
  await writePairs('pairs', { red: 'a red apple', green: 'two green trees\na zebra' });
});
afterAll(() => rm(folder, { recursive: true }));

/** A one-coloured picture per caption; an empty caption is not written. */
async function writePairs(name: string, captions: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(at(name));
  for (const [i, [stem, caption]] of Object.entries(captions).entries()) {
    const data = new Uint8Array(20 * 24 * 3).fill(60 + 70 * i);
    await writeFile(at(name, `${stem}.png`), await encodeImage({ width: 20, height: 24, data }));
    if (caption !== '') await writeFile(at(name, `${stem}.txt`), caption);
  }
}

class Collected extends Writable {
  text = '';
  override _write(chunk: Buffer | string, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

async function train(...args: string[]): Promise<{ code: number; stderr: string }> {
  const [stdout, stderr] = [new Collected(), new Collected()];
  const { signal } = new AbortController();
  const whole = ['train', ...args, '--cache', at('cache')];
  const code = await runCli(whole, { stdin: Readable.from([]), stdout, stderr, signal });
  return { code, stderr: stderr.text };
}

/** Trains one part of the tiny model further; the result is the folder `name`. */
async function trainPart(name: string, stage: Readonly<Record<string, unknown>>) {
  const { fineTuneConfig } = await import('../train/index.ts');
  const { loss, curriculum, ...common } = await fineTuneConfig(at('pairs'), at('model'), { steps: 4 });
  await writeFile(at(`${name}.json`), JSON.stringify({ ...common, ...stage, name, from: at('model') }));
  return train(at(`${name}.json`), '--out', at(name));
}

const weights = async (model: string, part: string) =>
  (await loadSafetensors(at(model, `${part}.safetensors`))).tensors;

describe('duet train --data --from', () => {
  it('makes a complete model from another one and a folder of pairs, and goes on from its checkpoint', async () => {
    const args = ['--data', at('pairs'), '--from', at('model'), '--out', at('run')];
    const { code, stderr } = await train(...args, '--steps', '3');
    expect([code, stderr]).toEqual([0, expect.stringContaining(at('run', 'model'))]);
    expect(stderr).toContain('does not know the word "zebra"');
    expect(stderr).toMatch(/seenTextToImage .*seenImageToText/);
    expect(await readdir(at('run'))).toEqual(
      expect.arrayContaining(['checkpoints', 'config.json', 'metrics.jsonl', 'model', 'report.html', 'samples']),
    );
    expect(JSON.parse(await readFile(at('run', 'config.json'), 'utf8'))).toMatchObject({
      stage: 'fine-tune',
      name: 'tiny-pairs',
      steps: 3,
      data: { size: 16 },
    });

    const [before, after] = [await weights('model', 'uvit'), await weights('run/model', 'uvit')];
    expect(Object.keys(after).sort()).toEqual(Object.keys(before).sort());
    const moved = Object.entries(after).filter(([name, { data }]) => data.some((x, i) => x !== before[name]!.data[i]));
    expect(moved.length).toBeGreaterThan(0.8 * Object.keys(before).length);
    expect(await weights('run/model', 'clip')).toEqual(await weights('model', 'clip'));
    const model = await load(at('run', 'model'), { device: 'reference' });
    expect((await model.textToImage('a red apple', { seed: 1 })).samples).toHaveLength(1);
    await model.release();

    const again = await train(at('run', 'config.json'), '--out', at('run'), '--resume', '--steps', '4');
    expect([again.code, again.stderr]).toEqual([0, expect.stringContaining('from step 3 to 4')]);
  });

  it('keeps absolute paths, so that the run goes on from anywhere', async () => {
    const home = process.cwd();
    try {
      process.chdir(at('pairs'));
      const args = ['--data', '.', '--from', '../model', '--out', '../moved', '--steps', '2'];
      expect((await train(...args)).code).toBe(0);
      const config = JSON.parse(await readFile(at('moved', 'config.json'), 'utf8'));
      expect([config.data.path, config.from, config.name]).toEqual([at('pairs'), at('model'), 'tiny-pairs']);
      process.chdir(tmpdir());
      const again = await train(at('moved', 'config.json'), '--resume', '--steps', '3');
      expect([again.code, again.stderr]).toEqual([0, expect.stringContaining('from step 2 to 3')]);
      expect(again.stderr).toContain(at('moved', 'model'));
    } finally {
      process.chdir(home);
    }
  });

  it('tells what lies in the folder and is not used', async () => {
    await writePairs('mixed', { cat: 'a cat' });
    await writeFile(at('mixed', 'typo.txt'), 'a dog');
    await writeFile(at('mixed', 'fox.heic'), 'x');
    const { code, stderr } = await train(
      '--data',
      at('mixed'),
      '--from',
      at('model'),
      '--out',
      at('mix'),
      '--steps',
      '1',
    );
    expect([code, stderr]).toEqual([0, expect.stringMatching(/Warning:.*cannot be read .*: 1 \(fox\.heic\)/)]);
    expect(stderr.match(/Warning:.*belong to no picture .*: 1 \(typo\.txt\)/g)).toHaveLength(1);
  });

  it('trains the caption decoder alone further, and leaves all that makes latents as it was', async () => {
    const { code, stderr } = await trainPart('words', { stage: 'fine-tune-captions', noise: 0.5 });
    expect([code, stderr]).toEqual([0, expect.stringContaining('heldOutAccuracyNoise0.25')]);
    for (const part of ['clip', 'autoencoder', 'uvit']) {
      expect(await weights('words/model', part)).toEqual(await weights('model', part));
    }
    const [before, after] = [
      await weights('model', 'caption-decoder'),
      await weights('words/model', 'caption-decoder'),
    ];
    expect(Object.keys(after).sort()).toEqual(Object.keys(before).sort());
    const same = Object.keys(after).filter(name => after[name]!.data.every((x, i) => x === before[name]!.data[i]));
    expect(same.sort()).toEqual(['encodePrefix.bias', 'encodePrefix.weight']);
  });

  it("trains CLIP's projection of texts alone further", async () => {
    const { code, stderr } = await trainPart('found', { stage: 'fine-tune-projection', maxScale: 100 });
    expect([code, stderr]).toEqual([0, expect.stringContaining('heldOutTextToImage')]);
    for (const part of ['caption-decoder', 'autoencoder', 'uvit']) {
      expect(await weights('found/model', part)).toEqual(await weights('model', part));
    }
    const [before, after] = [await weights('model', 'clip'), await weights('found/model', 'clip')];
    expect(Object.keys(after).sort()).toEqual(Object.keys(before).sort());
    const moved = Object.keys(after).filter(name => after[name]!.data.some((x, i) => x !== before[name]!.data[i]));
    expect(moved.sort()).toEqual(['logitScale', 'text.projection.weight']);
  });

  it('chooses steps by the number of pairs and keeps within bounds', async () => {
    const { fineTuneConfig, parseStageConfig } = await import('../train/index.ts');
    const config = await fineTuneConfig(at('pairs'), at('model'));
    expect(config).toMatchObject({ steps: 200, batch: 8 });
    expect(parseStageConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
  });

  const wrong = (data: string, from = 'model') => train('--data', at(data), '--from', at(from), '--out', at('never'));

  it('names the pictures without captions', async () => {
    await writePairs('bare', { cat: 'a cat', dog: '', fox: '' });
    const { code, stderr } = await wrong('bare');
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/2 of 3 pictures .* no caption: dog.png, fox.png. .*dog.txt/),
    ]);
  });

  it('names a picture that is broken, a folder without pictures and one that is not there', async () => {
    await writePairs('broken', { cat: 'a cat' });
    await writeFile(at('broken', 'dog.jpg'), 'not a picture');
    await writeFile(at('broken', 'dog.txt'), 'a dog');
    expect(await wrong('broken')).toEqual({ code: 2, stderr: expect.stringContaining(at('broken', 'dog.jpg')) });
    await mkdir(at('empty'));
    expect(await wrong('empty')).toEqual({ code: 2, stderr: expect.stringMatching(/empty holds no pictures/) });
    expect(await wrong('nowhere')).toEqual({ code: 2, stderr: expect.stringMatching(/Cannot read .*nowhere/) });
    expect(await wrong('pairs', 'nothing')).toEqual({ code: 2, stderr: expect.stringContaining('no model') });
    expect(await readdir(folder)).not.toContain('never');
  });

  it('wants a configuration or pictures, not both and not neither', async () => {
    expect(await train()).toEqual({ code: 2, stderr: expect.stringContaining('--data ./my-pictures') });
    expect((await train('a.json', '--data', at('pairs'))).code).toBe(2);
    expect(await train(at('no.json'))).toEqual({ code: 2, stderr: expect.stringContaining('no.json') });
  });
});
