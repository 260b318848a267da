import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyModel } from '../../../test/support/tiny-model.ts';
import { tinyOptimizer } from '../../../test/support/tiny-optimizer.ts';
import { type HostTensor, isTensorSource, type TensorSource } from '../../core/host-tensor.ts';
import { flattenTree } from '../../core/tree.ts';
import { readFileTensor } from '../../engine/file-tensor.ts';
import { readMiniGpt5Folder } from '../../pipelines/chat/minigpt5/model-folder.ts';
import { packModel } from '../../pipelines/index.ts';
import { writeModelFolder } from '../../pipelines/unidiffuser/model-folder.ts';
import { loadSafetensors } from '../../weights/safetensors.ts';
import { type ChatStage, type FineTuneChatStage, parseStageConfig } from '../config.ts';
import { trainChatTokenizer } from '../data/chat-tokenizer.ts';
import { sceneDialogues } from '../data/scene-dialogues.ts';
import { type Stage, train } from '../loop.ts';
import { chatStage } from './chat.ts';
import { fineTuneChatStage } from './fine-tune-chat.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'duet-chat-stage-'));
  await writeModelFolder(join(folder, 'base'), tinyModel());
  const source = await sceneDialogues({ side: 16, count: 40, seed: 4 });
  const tokenizer = await trainChatTokenizer(source, { vokens: 3, vocabularySize: 400 });
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer));
  await writeFile(join(folder, 'other.json'), JSON.stringify({ ...tokenizer, added_tokens: [] }));
});
afterAll(() => rm(folder, { recursive: true }));

const engine = { device: 'cpu', threads: 1 } as const;
const steps = 6;

const model: ChatStage['model'] = {
  language: { width: 16, layers: 1, heads: 2, mlpWidth: 24, positions: 160 },
  vokens: 3,
  featureLayers: [0, 1],
  mapper: { heads: 2, encoderLayers: 1, decoderLayers: 1 },
};

function config(changes: Partial<ChatStage> = {}): ChatStage {
  const json: ChatStage = {
    stage: 'chat',
    name: 'tiny-chat',
    seed: 3,
    from: join(folder, 'base'),
    parts: { tokenizer: join(folder, 'tokenizer.json') },
    steps,
    batch: 2,
    length: 150,
    pictures: { given: 3, drawn: 4 },
    optimizer: tinyOptimizer({ ema: 0.5 }),
    data: { source: 'scene-dialogues', size: 16, count: 40, seed: 4 },
    checkpointSeconds: 1e6,
    sampleEvery: steps,
    model,
    loss: { text: 1, caption: 1 },
    emptyShare: 0.2,
    ...changes,
  };
  return parseStageConfig(json) as ChatStage;
}

const stage = (changes: Partial<ChatStage> = {}) =>
  chatStage(config(changes), { engine, cache: join(folder, 'cache') });

const bytes = ({ data }: HostTensor) => Buffer.from(data.buffer, data.byteOffset, data.byteLength);

async function furtherStage(from: string, changes: Partial<FineTuneChatStage> = {}): Promise<Stage> {
  const { model: _model, parts: _parts, data, ...training } = config();
  const json = {
    ...training,
    stage: 'fine-tune-chat',
    name: 'tiny-chat-2',
    from,
    data: { ...data, quizzes: 0.5 },
    ...changes,
  };
  const context = { engine, cache: join(folder, 'cache') };
  return fineTuneChatStage(parseStageConfig(json) as FineTuneChatStage, context);
}

async function run(out: string, stopAt?: number, of: () => Promise<Stage> = stage) {
  const controller = new AbortController();
  const losses: number[] = [];
  const metrics: Record<string, number> = {};
  const options = { out: join(folder, out), resume: true, engine, signal: controller.signal };
  for await (const event of train(await of(), options)) {
    if (event.type === 'step') {
      losses.push(event.loss);
      if (event.step === stopAt) controller.abort(new Error('enough'));
    }
    if (event.type === 'sample') Object.assign(metrics, event.sample.metrics);
  }
  return { losses, metrics };
}

describe('the stage chat', () => {
  it('learns, goes on after an abort to the very same numbers, and writes a folder that is read again', async () => {
    const { losses, metrics } = await run('whole');
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
    expect(Object.keys(metrics).sort()).toEqual(['heldOutAccuracy', 'heldOutCaption', 'heldOutText']);
    await expect(run('parts', 3)).rejects.toThrow('enough');
    expect((await run('parts')).metrics).toEqual(metrics);
    const result = (out: string) => loadSafetensors(join(folder, out, 'model.safetensors'));
    const { tensors } = await result('whole');
    expect((await result('parts')).tensors).toEqual(tensors);

    const { language, frontEnd, drawing, vocabulary, rows } = await readMiniGpt5Folder(join(folder, 'whole', 'model'));
    expect(drawing!.folder).toBe(join(folder, 'base'));
    expect(vocabulary.vokens).toHaveLength(3);
    expect(rows).toBeUndefined();
    const parts = { 'llama.': language.params, 'connector.': frontEnd!.params.connector, 'mapper.': drawing!.params };
    for (const [prefix, params] of Object.entries(parts)) {
      for (const [name, source] of Object.entries(flattenTree<TensorSource>(params, isTensorSource))) {
        const tensor = 'data' in source ? source : readFileTensor(source);
        expect([...tensor.data], name).toEqual([...tensors[`${prefix}${name}`]!.data]);
      }
    }
  });

  it('is packed in half precision with its language model', async () => {
    const from = join(folder, 'whole', 'model');
    const to = join(folder, 'packed', 'small');
    const bytes = await packModel(from, to, { name: 'small' });
    const [before, after] = [await readMiniGpt5Folder(from), await readMiniGpt5Folder(to)];
    expect(after).toMatchObject({ name: 'small', vocabulary: before.vocabulary });
    expect(after.language.config).toEqual(before.language.config);
    expect(after.drawing!.folder).toBe(before.drawing!.folder);
    const tensors = async (model: string) =>
      (await loadSafetensors(join(model, 'language-model', 'model.safetensors'))).tensors;
    const [whole, half] = [await tensors(from), await tensors(to)];
    expect(Object.keys(half).sort()).toEqual(Object.keys(whole).sort());
    for (const [name, { data }] of Object.entries(whole)) {
      for (const [at, value] of data.entries()) expect(half[name]!.data[at]).toBeCloseTo(value, 2);
    }
    const halves = Object.values(whole).reduce((sum, { data }) => sum + 2 * data.length, 0);
    expect(bytes).toBeGreaterThan(halves);
    expect(bytes).toBeLessThan(3 * halves);
  });

  it('is followed by fine-tune-chat, which trains the image tower too and writes the same kind of folder', async () => {
    const from = join(folder, 'whole', 'model');
    await run('further', undefined, () => furtherStage(from));
    const to = join(folder, 'further', 'model');
    const [before, after] = [await readMiniGpt5Folder(from), await readMiniGpt5Folder(to)];
    expect(after).toMatchObject({ name: 'tiny-chat-2', vocabulary: before.vocabulary });
    expect(after.drawing!.folder).toBe(before.drawing!.folder);
    expect(after.language.config).toEqual(before.language.config);
    const tensors = async (model: string) => (await loadSafetensors(join(model, 'front-end.safetensors'))).tensors;
    const [seenBefore, seen] = [await tensors(from), await tensors(to)];
    expect(Object.keys(seen)).toEqual(Object.keys(seenBefore));
    const changed = Object.keys(seen).filter(
      name => Buffer.compare(bytes(seen[name]!), bytes(seenBefore[name]!)) !== 0,
    );
    expect(changed.some(name => name.startsWith('tower.'))).toBe(true);
    // It starts from what there is: where nothing is learned nothing is lost.
    await run('still', undefined, () =>
      furtherStage(from, { optimizer: tinyOptimizer({ lr: 1e-12, weightDecay: 0 }) }),
    );
    const still = await tensors(join(folder, 'still', 'model'));
    for (const [name, { data }] of Object.entries(seenBefore)) {
      for (const [at, value] of data.entries()) expect(still[name]!.data[at]).toBeCloseTo(value, 6);
    }
  });

  it('is followed by fine-tune-chat only where it is of its kind', async () => {
    await expect(furtherStage(join(folder, 'base'))).rejects.toThrow(/base.config.json: .* languageModel/);
  });

  it.each<[string, () => Partial<ChatStage>, RegExp]>([
    ['pictures', () => ({ data: { source: 'scene-dialogues', size: 64, count: 4, seed: 1 } }), /data.size is 64/],
    ['rows', () => ({ length: 161 }), /length must be at most the language model's 160 positions/],
    ['tokens', () => ({ parts: { tokenizer: join(folder, 'other.json') } }), /other.json lacks the token \[IMG0\]/],
    ['vokens', () => ({ model: { ...model, vokens: 4 } }), /lacks the token \[IMG3\]/],
    [
      'heads',
      () => ({ model: { ...model, language: { ...model.language, heads: 3 } } }),
      /width must be a multiple of twice its 3 heads, got 16/,
    ],
    [
      'layers',
      () => ({ model: { ...model, featureLayers: [2] } }),
      /featureLayers are from 0 to the tower's 1 layers, got 2/,
    ],
  ])('refuses %s that do not fit', async (_, changes, message) => {
    await expect(stage(changes())).rejects.toThrow(message);
  });
});
