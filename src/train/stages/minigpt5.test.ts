import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyMiniGpt5, writeMiniGpt5Folder } from '../../../test/support/tiny-minigpt5.ts';
import { tinyOptimizer } from '../../../test/support/tiny-optimizer.ts';
import { Duet } from '../../index.ts';
import { weightFiles } from '../../pipelines/chat/minigpt5/model-folder.ts';
import { loadSafetensors } from '../../weights/safetensors.ts';
import { type MiniGpt5Stage, parseStageConfig } from '../config.ts';
import { train } from '../loop.ts';
import { miniGpt5Stage } from './minigpt5.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'duet-minigpt5-stage-'));
  const model = await tinyMiniGpt5();
  await writeMiniGpt5Folder(join(folder, 'base'), model);
  const data = join(folder, 'data');
  await mkdir(data);
  for (const [index, colour] of ['#ff0000', '#00ff00', '#0000ff'].entries()) {
    await sharp({ create: { width: 20, height: 16, channels: 3, background: colour } }).toFile(
      join(data, `${index}.png`),
    );
    await writeFile(join(data, `${index}.txt`), `the colour ${colour}`);
  }
  const image = (index: number) => ({ type: 'image', image: `${index}.png` });
  const dialogues = [0, 1, 2].map(index => ({
    messages: [
      { role: 'user', content: [image(index), { type: 'text', text: ' the next' }] },
      { role: 'assistant', content: [{ type: 'text', text: 'here' }, image((index + 1) % 3)] },
      { role: 'user', content: 'thanks' },
      { role: 'assistant', content: 'a bird' },
    ],
  }));
  const long = {
    messages: [
      { role: 'user', content: 'so '.repeat(80) },
      { role: 'assistant', content: 'no' },
    ],
  };
  await writeFile(join(data, 'dialogues.jsonl'), [...dialogues, long].map(line => JSON.stringify(line)).join('\n'));
});
afterAll(() => rm(folder, { recursive: true }));

const engine = { device: 'cpu', threads: 1 } as const;
const warnings: string[] = [];

function config(changes: Partial<MiniGpt5Stage> = {}): MiniGpt5Stage {
  const json: MiniGpt5Stage = {
    stage: 'minigpt5',
    name: 'tiny-minigpt5',
    seed: 3,
    from: join(folder, 'base'),
    steps: 4,
    batch: 2,
    length: 64,
    pictures: 2,
    optimizer: tinyOptimizer({ lr: 0.001, ema: 0, emaWarmup: false }),
    data: { source: 'captions', path: join(folder, 'data'), clean: true, requestEvery: 0 },
    checkpointSeconds: 1e6,
    sampleEvery: 4,
    emptyShare: 0.3,
    ...changes,
  };
  return parseStageConfig(json) as MiniGpt5Stage;
}

const dialogues = () => ({ source: 'messages', path: join(folder, 'data/dialogues.jsonl') }) as const;

const stage = (changes: Partial<MiniGpt5Stage> = {}) =>
  miniGpt5Stage(config(changes), {
    engine,
    cache: join(folder, 'cache'),
    onWarning: message => warnings.push(message),
  });

async function run(out: string, changes: Partial<MiniGpt5Stage>, stopAt?: number) {
  const controller = new AbortController();
  const steps: Readonly<Record<string, number>>[] = [];
  const options = { out: join(folder, out), resume: true, engine, signal: controller.signal };
  for await (const event of train(await stage(changes), options)) {
    if (event.type !== 'step') continue;
    steps.push({ loss: event.loss, ...event.metrics });
    if (event.step === stopAt) controller.abort(new Error('enough'));
  }
  return steps;
}

const tensorsOf = async (path: string) => (await loadSafetensors(join(folder, path))).tensors;

async function draws(model: string) {
  const loaded = await Duet.loadChat(join(folder, model), { threads: 1 });
  const { images } = await loaded.chat([{ role: 'user', content: 'two birds' }], {
    seed: 1,
    maxTokens: 3,
    draw: 'always',
  });
  await loaded.release();
  return images.map(({ data }) => [...data]);
}

describe('the stage minigpt5', () => {
  it('learns rows and mapper from captions, then an adaptation from dialogues, each a folder that draws', async () => {
    const first = await run('first', {});
    expect(Object.keys(first[0]!).sort()).toEqual(['caption', 'gradientNorm', 'image', 'loss', 'text']);
    const { loss, text, image, caption } = first[0]! as Record<'loss' | 'text' | 'image' | 'caption', number>;
    expect(loss).toBeCloseTo(0.01 * text + image + 0.1 * caption, 4);
    expect(first.at(-1)!['caption']).toBeLessThan(caption);
    const written = JSON.parse(await readFile(join(folder, 'first/model/config.json'), 'utf8'));
    expect(written).toMatchObject({ name: 'tiny-minigpt5', family: 'minigpt5' });
    expect(written).not.toHaveProperty('lora');

    const from = join(folder, 'first/model');
    const changes = { from, data: dialogues(), lora: { rank: 2, alpha: 4 }, length: 90 };
    const second = await run('second', changes);
    expect(Object.keys(second[0]!).sort()).toEqual(['gradientNorm', 'image', 'loss', 'text']);
    expect(warnings).toContainEqual(expect.stringMatching(/sample 6 takes \d+ positions of 90 and is left out/));
    const mapper = (run: string) => tensorsOf(`${run}/model/${weightFiles.mapper}`);
    const [before, after] = [await mapper('first'), await mapper('second')];
    // The second stage leaves perceptron and queries as they are.
    const isSame = (name: string) => Buffer.compare(bytes(before[name]!), bytes(after[name]!)) === 0;
    expect(Object.keys(after).filter(isSame).sort()).toEqual(
      Object.keys(after)
        .filter(name => name === 'queries' || name.startsWith('projection.'))
        .sort(),
    );
    const lora = await tensorsOf(`second/model/${weightFiles.lora}`);
    expect(
      Object.entries(lora).every(([name, { data }]) => !name.endsWith('.b') || data.some(value => value !== 0)),
    ).toBe(true);

    const [base, aligned, adapted] = [await draws('base'), await draws('first/model'), await draws('second/model')];
    expect(aligned).not.toEqual(base);
    expect(adapted).not.toEqual(aligned);
    // An adaptation is trained further.
    const again = await stage({ ...changes, from: join(folder, 'second/model') });
    expect(Object.keys(again.initialParams)).toContain('lora');
    await again.release!();
  });

  it('goes on after an abort to the very same numbers', async () => {
    const changes = { data: dialogues(), length: 90, lora: { rank: 1, alpha: 1 } };
    const whole = await run('whole', changes);
    await expect(run('parts', changes, 2)).rejects.toThrow('enough');
    expect(await run('parts', changes)).toEqual(whole.slice(2));
    expect(await tensorsOf('parts/model.safetensors')).toEqual(await tensorsOf('whole/model.safetensors'));
  });

  it('learns to tell the vectors of given pictures where it is asked to', async () => {
    const changes = { data: dialogues(), length: 90, steps: 12, regression: 0.5 };
    const steps = await run('regression', changes);
    const { loss, text, image, caption, regression } = steps[0]! as Record<string, number>;
    expect(loss).toBeCloseTo(0.01 * text! + image! + 0.1 * caption! + 0.5 * regression!, 4);
    expect(steps.at(-1)!['regression']).toBeLessThan(regression!);
  });

  it('begins rows and mapper anew where they have no files', async () => {
    const bare = await writeMiniGpt5Folder(join(folder, 'bare'), await tinyMiniGpt5());
    await rm(join(bare, weightFiles.mapper));
    await rm(join(bare, weightFiles.rows));
    await expect(Duet.loadChat(bare)).rejects.toThrow();
    const { initialParams, release } = await stage({ from: bare });
    const { rows } = initialParams as unknown as {
      rows: { embedding: { weight: { data: Float32Array; shape: number[] } } };
    };
    const [count, width] = rows.embedding.weight.shape as [number, number];
    const row = (at: number) => [...rows.embedding.weight.data.slice(at * width, (at + 1) * width)];
    for (let at = 1; at < count; at++) expect(row(at)).toEqual(row(0));
    await release!();
  });

  it.each<[string, () => Partial<MiniGpt5Stage>, RegExp]>([
    ['rows', () => ({ length: 4096 }), /length must be at most the language model's \d+ positions/],
    [
      'a rank',
      () => ({ from: join(folder, 'second/model'), lora: { rank: 3, alpha: 1 } }),
      /lora.rank is 3, that of .* is 2/,
    ],
    ['a folder', () => ({ from: join(folder, 'nowhere') }), /There is no .*nowhere\/config.json/],
    ['a stage', () => ({ from: join(folder, 'second/model') }), /give lora, which trains that further/],
  ])('refuses %s that does not fit', async (_, changes, message) => {
    await expect(stage(changes())).rejects.toThrow(message);
  });

  it('says so where no sample fits', async () => {
    const { batch, release } = await stage({ length: 3 });
    await expect(batch(0)).rejects.toThrow(/None of 8 samples fits: rows have 3 positions/);
    await release!();
  });
});

function bytes({ data }: { readonly data: ArrayBufferView }): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
