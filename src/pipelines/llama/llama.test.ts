/** Folders of both generations, as transformers wrote them, against what transformers makes of them (test/data/llama). */
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Duet } from '../../index.ts';
import type { ChatMessage } from '../../tokenizer/index.ts';
import type { GeneratedText, Llama, TextEvent, TextOptions } from './index.ts';

const folders = fileURLToPath(new URL('../../../test/data/llama/', import.meta.url));
const [oldForm, newForm] = [join(folders, 'old-form'), join(folders, 'new-form')];
const readJson = async (folder: string, file = 'expected.json') =>
  JSON.parse(await readFile(join(folder, file), 'utf8'));

let scratch: string;
let models: { old: Llama; new: Llama };
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'duet-llama-'));
  models = { old: await Duet.loadLanguageModel(oldForm), new: await Duet.loadLanguageModel(newForm) };
});
afterAll(async () => {
  await Promise.all([models.old.release(), models.new.release(), rm(scratch, { recursive: true })]);
});

/** A copy of the new form with files changed or (undefined) taken away. */
async function changed(name: string, files: Readonly<Record<string, unknown>>): Promise<string> {
  const folder = join(scratch, name);
  await cp(newForm, folder, { recursive: true });
  for (const [file, content] of Object.entries(files)) {
    if (content === undefined) await rm(join(folder, file));
    else await writeFile(join(folder, file), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return folder;
}

async function collect(events: AsyncIterable<TextEvent>): Promise<{ pieces: string[]; end: GeneratedText }> {
  const pieces: string[] = [];
  for await (const event of events) {
    if (event.type === 'text-end') return { pieces, end: event };
    pieces.push(event.text);
  }
  throw new Error('There was no end');
}

describe('a folder of the old form: rope_theta, untied, float32', () => {
  it('tokenizes, decodes and fills its template as recorded', async () => {
    const { tokenizer: expected } = await readJson(oldForm);
    const { tokenizer } = models.old;
    expect(expected.texts.map((text: string) => tokenizer.encode(text))).toEqual(expected.ids);
    expect(expected.texts.map((text: string) => tokenizer.encode(text, { framed: false }))).toEqual(
      expected.ids_without_special,
    );
    expect(expected.ids.map((ids: number[]) => tokenizer.decode(ids))).toEqual(expected.decoded);
    expect(expected.ids.map((ids: number[]) => tokenizer.decode(ids, { skipSpecial: true }))).toEqual(
      expected.decoded_skip_special,
    );
    expect(models.old.chatText(expected.messages)).toBe(expected.chat);
    expect(tokenizer.encode(expected.chat, { framed: false })).toEqual(expected.chat_ids);
  });

  it('goes on as recorded', async () => {
    const { outputs, tokenizer } = await readJson(oldForm);
    const { ids } = await models.old.generate(tokenizer.texts[0], { maxTokens: 8 });
    expect(ids).toEqual(outputs.greedy.data);
  });
});

describe('a folder of the new form: rope_parameters, tied, grouped, bfloat16, a template of its own', () => {
  it('gives ids, template and greedy text as transformers does', async () => {
    const expected = await readJson(newForm);
    const { tokenizer } = models.new;
    expect(tokenizer.encode(expected.text)).toEqual(expected.ids);
    expect(models.new.chatText(expected.messages)).toBe(expected.chat);
    expect(tokenizer.encode(expected.chat, { framed: false })).toEqual(expected.chatIds);
    const greedy = await models.new.generate(expected.text, { maxTokens: 16, temperature: 0 });
    expect(greedy.ids).toEqual(expected.greedy);
    expect(greedy).toMatchObject({ finishReason: 'length', promptTokens: expected.ids.length });
    expect(greedy.text).toBe(expected.greedyText);
  });

  it('gives the hidden states that tokens are chosen from', async () => {
    const { text, lastHidden, greedy } = await readJson(newForm);
    const { hidden } = await models.new.generate(text, { maxTokens: 2, temperature: 0, withHidden: true });
    expect(hidden).toHaveLength(2);
    for (const [index, value] of (lastHidden as number[]).entries()) expect(hidden![0]![index]).toBeCloseTo(value, 4);
    const again = await models.new.generate([...models.new.tokenizer.encode(text), greedy[0]], {
      maxTokens: 1,
      temperature: 0,
      withHidden: true,
    });
    for (const [index, value] of again.hidden![0]!.entries()) expect(hidden![1]![index]).toBeCloseTo(value, 4);
  });

  it('finds the beams that transformers finds', async () => {
    const { text, beams } = await readJson(newForm);
    const found = await models.new.generate(text, { maxTokens: 6, beams: 3, stopIds: [] });
    expect(found.ids).toEqual(beams);
  });

  it('takes temperature and top-p from generation_config.json', async () => {
    const { text } = await readJson(newForm);
    const [own, same] = await Promise.all([
      models.new.generate(text, { seed: 4, maxTokens: 12 }),
      models.new.generate(text, { seed: 4, maxTokens: 12, temperature: 0.6, topP: 0.9 }),
    ]);
    expect(own.ids).toEqual(same.ids);
  });
});

describe('many at once', () => {
  const prompts = ['a', 'two birds on the sea', 'it is', 'draw the red boat and then some more words', 'x', 'the'];
  const options = (index: number): TextOptions => ({
    maxTokens: 6 + 5 * index,
    seed: 10 + index,
    temperature: [0, 1, 0.7, 1.5, 1, 2][index]!,
    topK: [1, 50, 400, 20, 400, 400][index]!,
    topP: 0.95,
    minP: 0.001,
    repetitionPenalty: 1.1,
  });

  it.each(['old', 'new'] as const)('%s: each text is what it is alone', async name => {
    const model = models[name];
    const together = await Promise.all(prompts.map((prompt, index) => model.generate(prompt, options(index))));
    for (const [index, prompt] of prompts.entries()) {
      expect(await model.generate(prompt, options(index))).toEqual(together[index]);
    }
    expect(new Set(together.map(({ text }) => text)).size).toBe(prompts.length);
  });

  it('one that is aborted does not disturb the others', async () => {
    const controller = new AbortController();
    const alone = await models.new.generate(prompts[1]!, options(1));
    const aborted = (async () => {
      for await (const event of models.new.stream(prompts[3]!, { ...options(3), signal: controller.signal })) {
        if (event.type === 'text-delta') controller.abort(new Error('enough'));
      }
    })();
    const [going] = await Promise.allSettled([models.new.generate(prompts[1]!, options(1)), aborted]);
    expect(going).toEqual({ status: 'fulfilled', value: alone });
    await expect(aborted).rejects.toThrow('enough');
  });
});

describe('streams', () => {
  it('are the text in pieces, also of a prompt that is longer than one part', async () => {
    const prompt = 'the red boat '.repeat(9);
    const whole = await models.old.generate(prompt, { maxTokens: 20, temperature: 1.3, seed: 3 });
    const { pieces, end } = await collect(models.old.stream(prompt, { maxTokens: 20, temperature: 1.3, seed: 3 }));
    expect(pieces.join('')).toBe(whole.text);
    expect({ ...end, type: undefined }).toEqual({ ...whole, type: undefined });
    expect(pieces.length).toBeGreaterThan(1);
  });

  it('end before a stop text, and when they are left', async () => {
    const { text: whole } = await models.old.generate('the red boat', { maxTokens: 40, temperature: 1, seed: 5 });
    const stop = whole.slice(7, 10);
    const { end } = await collect(
      models.old.stream('the red boat', { maxTokens: 40, temperature: 1, seed: 5, stop: ['', stop] }),
    );
    expect(end).toMatchObject({ text: whole.slice(0, whole.indexOf(stop)), finishReason: 'stop' });
    for await (const event of models.old.stream('the red boat', { maxTokens: 40 })) {
      expect(event.type).toBe('text-delta');
      break;
    }
    const first = await models.old.generate('the red boat', { maxTokens: 1 });
    const none = await models.old.generate('the red boat', { maxTokens: 3, stopIds: first.ids });
    expect(none).toMatchObject({ text: '', ids: [], finishReason: 'stop' });
  });

  it('of answers in a dialogue begin behind the template', async () => {
    const messages: ChatMessage[] = [{ role: 'user', content: 'two birds' }];
    const options = { maxTokens: 5, seed: 1, temperature: 0 };
    const answer = await models.new.chat(messages, options);
    const ids = models.new.tokenizer.encode(models.new.chatText(messages), { framed: false });
    expect((await models.new.generate(ids, options)).ids).toEqual(answer.ids);
    expect((await collect(models.new.streamChat(messages, options))).end.text).toBe(answer.text);
  });
});

describe('what cannot be done', () => {
  it('is refused with what is allowed', async () => {
    const refused = (prompt: string | number[], options: object, message: RegExp) =>
      expect(models.new.generate(prompt, options)).rejects.toThrow(message);
    await refused('a', { maxTokens: 0 }, /maxTokens must be a whole number from 1 on, got 0/);
    await refused('a', { temperature: -1 }, /temperature must be at least 0, got -1/);
    await refused('a', { topP: 0, temperature: 1 }, /topP must be above 0/);
    await refused('a', { minP: 2, temperature: 1 }, /minP must be from 0 to 1, got 2/);
    await refused('a', { seed: -1 }, /seed must be/);
    await refused('a', { beams: 0 }, /beams must be/);
    await refused([], {}, /at least one token/);
    await refused([428], {}, /from 0 to 427, got 428/);
    await refused('the red boat '.repeat(60), {}, /the model reads 96 with its answer/);
    await expect(Duet.loadLanguageModel(newForm, { precision: 'int8' })).rejects.toThrow(/compute in fp32/);
    await expect(Duet.load(newForm)).rejects.toThrow(/Duet.loadLanguageModel loads it/);
    await expect(Duet.loadLanguageModel(join(scratch, 'nowhere'))).rejects.toMatchObject({ code: 'model-not-found' });
  });

  it('folders that do not fit together are refused by name', async () => {
    const config = await readJson(newForm, 'config.json');
    const index = await readJson(newForm, 'model.safetensors.index.json');
    const refused = async (name: string, files: Readonly<Record<string, unknown>>, message: RegExp) =>
      expect(Duet.loadLanguageModel(await changed(name, files))).rejects.toThrow(message);
    await refused(
      'heads',
      { 'config.json': { ...config, num_key_value_heads: 4 } },
      /multiple of num_key_value_heads, got 6 and 4/,
    );
    await refused('layers', { 'config.json': { ...config, num_hidden_layers: 3 } }, /missing: model.layers.2/);
    await refused('fewer', { 'config.json': { ...config, num_hidden_layers: 1 } }, /left over: model.layers.1/);
    await refused(
      'rope',
      { 'config.json': { ...config, rope_parameters: { rope_type: 'longrope' } } },
      /rope scaling must be one of/,
    );
    await refused(
      'type',
      { 'config.json': { ...config, model_type: 'gemma' } },
      /model_type must be llama, got "gemma"/,
    );
    await refused('vocabulary', { 'config.json': { ...config, vocab_size: 300 } }, /ids up to 42\d, the model has 300/);
    await refused('json', { 'config.json': '{' }, /config.json is not JSON/);
    await refused('tokenizer', { 'tokenizer.json': undefined }, /Cannot read .*tokenizer.json/);
    await refused('weights', { 'model.safetensors.index.json': undefined }, /neither model.safetensors nor/);
    const map = { weight_map: { ...index.weight_map, 'model.norm.weight': '../../secret.safetensors' } };
    await refused('outside', { 'model.safetensors.index.json': map }, /weight_map must give/);
    const wrong = { weight_map: { ...index.weight_map, 'model.more.weight': 'model-00001-of-00002.safetensors' } };
    await refused('index', { 'model.safetensors.index.json': wrong }, /names 1 tensors that are not there: model.more/);
    await refused('template', { 'chat_template.jinja': '{% for %}' }, /chat template cannot be read/);
    const silent = await Duet.loadLanguageModel(await changed('silent', { 'chat_template.jinja': undefined }));
    await expect(silent.chat([{ role: 'user', content: 'a' }])).rejects.toThrow(/no chat template/);
    await silent.release();
  });

  it('folders whose files are links are read like others', async () => {
    const folder = join(scratch, 'links');
    await mkdir(folder);
    const files = [
      'config.json',
      'generation_config.json',
      'tokenizer.json',
      'tokenizer_config.json',
      'model.safetensors.index.json',
    ];
    const weights = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
    await mkdir(join(scratch, 'blobs'));
    for (const [place, file] of [...files, ...weights].entries()) {
      await cp(join(newForm, file), join(scratch, 'blobs', `${place}`));
      await symlink(join(scratch, 'blobs', `${place}`), join(folder, file));
    }
    const model = await Duet.loadLanguageModel(folder);
    const { ids, text } = await readJson(newForm);
    expect((await model.generate(text, { maxTokens: 1, temperature: 0 })).promptTokens).toBe(ids.length);
    await model.release();
  });
});
