/** Answers searched for with beams: what transformers finds, what a folder asks for by itself, and what cannot be. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readValues } from '../../../test/golden/tensors.ts';
import { tinyMiniGpt5, writeMiniGpt5Folder } from '../../../test/support/tiny-minigpt5.ts';
import { decodeCached, lengthPenalisedBeams, placeImages } from '../../lm/index.ts';
import { describeModel } from '../index.ts';
import { ChatModel } from './chat-model.ts';
import type { InterleavedChatEvent } from './events.ts';
import { createNetworks } from './networks.ts';
import { readChatFolder } from './read-chat-folder.ts';

const checkpoints = fileURLToPath(new URL('../../../test/golden/data/checkpoints/', import.meta.url));
const readJson = async (file: string) => JSON.parse(await readFile(join(checkpoints, file), 'utf8'));
const picture = { width: 20, height: 13, data: Uint8Array.from({ length: 20 * 13 * 3 }, (_, i) => (i * 7) % 256) };

interface Search {
  readonly model: string;
  readonly case: number;
  readonly num_beams: number;
  readonly max_new_tokens: number;
  readonly length_penalty?: number;
  readonly repetition_penalty?: number;
  readonly early_stopping?: boolean | 'never';
  readonly eos_token_id: readonly number[] | null;
  readonly tokens: readonly number[];
  readonly score: number;
}

describe.each(['blip2-opt', 'blip2-t5', 'instructblip-llama', 'instructblip-t5'])('%s', name => {
  it('finds the hypotheses that transformers finds, with its scores', async () => {
    const { searches }: { searches: readonly Search[] } = await readJson('expected-beams.json');
    const { cases } = await readJson(`expected-${name}.json`);
    const folder = await readChatFolder(join(checkpoints, `${name}-hf`));
    const networks = await createNetworks(folder, { threads: 1 });
    const own = searches.filter(({ model }) => model === name);
    expect(own.length).toBe(12);
    const { network, stopIds } = folder.language;
    for (const search of own) {
      const { text, inputs } = cases[search.case];
      const ids = readValues(inputs.input_ids).data;
      const features = (await networks.see!([picture], { text: text ?? '' }))[0]!;
      const prompt = placeImages(ids, { placeholder: ids[0]!, images: [features], width: network.width });
      const { encoder } = network.model;
      const options = {
        beams: search.num_beams,
        lengthPenalty: search.length_penalty ?? 1,
        earlyStopping: search.early_stopping ?? false,
        repetitionPenalty: search.repetition_penalty ?? 1,
      };
      const limits = {
        maxTokens: search.max_new_tokens,
        endIds: search.eos_token_id ?? stopIds,
        seen: encoder ? [encoder.startId] : ids,
      };
      const sequences = networks.decoder.sequences({});
      const [best] = await decodeCached(lengthPenalisedBeams(options, limits), prompt, sequences);
      const what = JSON.stringify({ ...search, score: undefined });
      expect(best!.tokens, what).toEqual(search.tokens);
      expect(best!.score / search.score, what).toBeCloseTo(1, 4);
    }
    await networks.release();
  });
});

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'duet-beams-'));
});
afterAll(() => rm(scratch, { recursive: true }));

const question = [
  {
    role: 'user',
    content: [
      { type: 'image', image: picture },
      { type: 'text', text: 'what is in the picture ?' },
    ],
  },
] as const;

/** InstructBLIP whose generation_config.json says more. */
async function folderWith(name: string, generation: Readonly<Record<string, unknown>>): Promise<string> {
  const folder = join(scratch, name);
  await cp(join(checkpoints, 'instructblip-llama-hf'), folder, { recursive: true });
  const file = join(folder, 'generation_config.json');
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), ...generation }));
  return folder;
}

describe('an answer', () => {
  it('is searched for where the call or the folder says so, and comes as one piece', async () => {
    const published = { num_beams: 5, max_new_tokens: 12, repetition_penalty: 1.5, length_penalty: 1 };
    const [plain, searching] = await Promise.all([
      ChatModel.load(await folderWith('plain', {})),
      ChatModel.load(await folderWith('searching', published)),
    ]);
    const events: InterleavedChatEvent[] = [];
    const onEvent = (event: InterleavedChatEvent) => void events.push(event);
    const own = await searching.chat(question, { seed: 1, onEvent });
    expect(events.map(({ type }) => type)).toEqual(['text-delta', 'done']);
    const asked = { seed: 1, beams: 5, maxTokens: 12, repetitionPenalty: 1.5, lengthPenalty: 1 };
    expect(await plain.chat(question, asked)).toEqual(own);
    expect(own.answerTokens).toBe(12);
    const greedy = await plain.chat(question, { seed: 1, maxTokens: 12, repetitionPenalty: 1.5 });
    expect(greedy.text).not.toBe(own.text);
    expect(await searching.chat(question, { seed: 1, beams: 1 })).toEqual(greedy);
    const drawn = { seed: 1, temperature: 0.8 };
    expect(await searching.chat(question, drawn)).toEqual(
      await plain.chat(question, { ...drawn, maxTokens: 12, repetitionPenalty: 1.5 }),
    );
    const stopped = await searching.chat(question, { stop: own.text.slice(3, 5) });
    expect(stopped).toMatchObject({ text: own.text.slice(0, 3), finishReason: 'stop' });
    const result = await searching.run('chat', { messages: question }, { seed: 1 });
    expect(result.answer!.content).toEqual(own.content);
    const refused = (options: Parameters<typeof plain.chat>[1], message: RegExp) =>
      expect(plain.chat(question, options)).rejects.toThrow(message);
    await refused({ beams: 0 }, /beams must be a whole number from 1 on, got 0/);
    await refused({ beams: 2, temperature: 0.5 }, /leave out temperature or beams/);
    await refused({ beams: 2, topK: 3 }, /leave out topK or beams/);
    await refused({ lengthPenalty: 2 }, /lengthPenalty acts on beams/);
    await refused({ beams: 2, lengthPenalty: Number.NaN }, /lengthPenalty must be a number/);
    await Promise.all([plain.release(), searching.release()]);
  });

  it('has the defaults of its folder in the description of the model', async () => {
    const folder = await folderWith('described', { num_beams: 3, early_stopping: true, do_sample: true });
    expect((await describeModel(folder)).description.defaults['chat']).toEqual({
      maxTokens: 256,
      priority: 0,
      temperature: 0,
      beams: 3,
      lengthPenalty: 1,
    });
    await expect(describeModel(await folderWith('wrong', { num_beams: 0 }))).rejects.toThrow(/num_beams/);
  });

  it('of a model that draws is not searched for', async () => {
    const model = await ChatModel.load(await writeMiniGpt5Folder(join(scratch, 'tiny'), await tinyMiniGpt5()));
    const asked = [{ role: 'user', content: 'two birds' }] as const;
    await expect(model.chat(asked, { beams: 2 })).rejects.toThrow(/draws, and vokens have no place in a search/);
    await expect(model.run('chat', { messages: asked }, { beams: 2 })).rejects.toThrow(/beams/);
    await model.release();
  });
});
