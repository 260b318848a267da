/** A LLaVA folder as transformers wrote it, against what transformers makes of it, and as its users meet it. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compare } from '../../../../test/golden/compare.ts';
import { runProgram } from '../../../../test/golden/harness.ts';
import { readTensor, readValues } from '../../../../test/golden/tensors.ts';
import type { HostTensor } from '../../../core/host-tensor.ts';
import { Duet } from '../../../index.ts';
import { generateTokens, placeImages, readPrompt, TokenChooser } from '../../../lm/index.ts';
import { type VisualFrontEndParams, visualFrontEnd } from '../../../vision/index.ts';
import { loadSafetensors } from '../../../weights/safetensors.ts';
import { saveSafetensors } from '../../../weights/write-safetensors.ts';
import type { ChatModel } from '../index.ts';
import { createNetworks } from '../networks.ts';
import { readLlavaFolder } from './model-folder.ts';

const checkpoints = fileURLToPath(new URL('../../../../test/golden/data/checkpoints/', import.meta.url));
const folder = join(checkpoints, 'llava-hf');
const readJson = async (file: string) => JSON.parse(await readFile(file, 'utf8'));

let scratch: string;
let model: ChatModel;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'duet-llava-'));
  model = await Duet.loadChat(folder, { threads: 2 });
});
afterAll(async () => {
  await model.release();
  await rm(scratch, { recursive: true });
});

const picture = { width: 20, height: 13, data: Uint8Array.from({ length: 20 * 13 * 3 }, (_, i) => (i * 7) % 256) };
const question = (text: string) =>
  [
    {
      role: 'user',
      content: [
        { type: 'image', image: picture },
        { type: 'text', text },
      ],
    },
  ] as const;

/** The folder with files changed. */
async function changed(
  name: string,
  file: string,
  change: (json: Record<string, unknown>) => unknown,
): Promise<string> {
  const own = join(scratch, name);
  await cp(folder, own, { recursive: true });
  const json = await readJson(join(own, file)).catch(() => ({}));
  await writeFile(join(own, file), JSON.stringify(change(json)));
  return own;
}

describe('a folder of transformers', () => {
  it('gives its features, logits and greedy answer', async () => {
    const { inputs, outputs, tolerance } = await readJson(join(checkpoints, 'expected-llava.json'));
    const read = await readLlavaFolder(folder);
    const { network, params } = read.frontEnd!;
    const pixels = readTensor(inputs.pixel_values, 'float32');
    const { vectors } = await runProgram<VisualFrontEndParams>(
      'cpu',
      ({ params: own, inputs: given }) => ({
        outputs: { vectors: visualFrontEnd(own, { pixels: given['pixels']! }, network) },
      }),
      params,
      { pixels },
    );
    const check = (name: string, got: HostTensor | { data: ArrayLike<number> }, expected: unknown) =>
      expect(compare(name, got, expected, tolerance)).toMatchObject({ pass: true });
    check('image_features', vectors!, outputs.image_features);

    const networks = await createNetworks(read, { threads: 1 });
    const { tokenizer, network: language } = read.language;
    const ids = tokenizer.encode(inputs.prompt);
    expect(ids).toEqual(inputs.prompt_ids);
    const placed = {
      placeholder: read.vocabulary.image.id,
      images: [vectors!.data as Float32Array],
      width: language.width,
    };
    const prompt = placeImages(ids, placed);
    expect(prompt.ids.map(id => (id < 0 ? read.vocabulary.image.id : id))).toEqual(readValues(inputs.input_ids).data);
    const sequences = networks.decoder.sequences({});
    const sequence = sequences.create();
    const { logits } = await readPrompt(sequence, prompt, sequences);
    const last = readValues(outputs.logits).data.slice(-logits.length);
    check('logits', { data: logits }, { shape: [logits.length], data: last });
    const greedy: number[] = [];
    const options = { chooser: new TokenChooser({}), maxTokens: 8, stopIds: [] };
    for await (const { id } of generateTokens(prompt, sequences, options)) greedy.push(id);
    expect(greedy).toEqual(readValues(outputs.greedy).data);
    await networks.release();
  });

  it('answers about a picture, streamed, the same again, and otherwise about another', async () => {
    const options = { maxTokens: 8, seed: 1, temperature: 0 };
    expect([model.family, model.name, model.sees, model.draws]).toEqual(['llava', 'llava-hf', true, false]);
    expect(model.chatText(question('what is it'))).toBe('<s>USER: <image>\nwhat is it ASSISTANT:');
    const deltas: string[] = [];
    const answer = await model.chat(question('what is it'), {
      ...options,
      onEvent: event => event.type === 'text-delta' && deltas.push(event.text),
    });
    expect(deltas.join('')).toBe(answer.text);
    expect(answer.images).toEqual([]);
    expect(await model.chat(question('what is it'), options)).toEqual(answer);
    const without = await model.chat([{ role: 'user', content: 'what is it' }], options);
    expect(without.promptTokens).toBeLessThan(answer.promptTokens);
  });

  it('is the same in several files with an index', async () => {
    const sharded = await changed('sharded', 'config.json', json => json);
    const whole = join(sharded, 'model.safetensors');
    const tensors = Object.entries((await loadSafetensors(whole)).tensors);
    const shards = [tensors.filter((_, at) => at % 2 === 0), tensors.filter((_, at) => at % 2 === 1)];
    const files = shards.map((shard, at) => [`model-${at}.safetensors`, shard] as const);
    for (const [name, shard] of files) await saveSafetensors(join(sharded, name), Object.fromEntries(shard));
    const map = files.flatMap(([name, shard]) => shard.map(([tensor]) => [tensor, name] as const));
    const index = { weight_map: Object.fromEntries(map) };
    await writeFile(join(sharded, 'model.safetensors.index.json'), JSON.stringify(index));
    await rm(whole);
    const other = await Duet.loadChat(sharded, { threads: 2 });
    const options = { maxTokens: 8, seed: 1, temperature: 0 };
    expect(await other.chat(question('what is it'), options)).toEqual(
      await model.chat(question('what is it'), options),
    );
    await other.release();
  });

  it('writes dialogues as its template does, in parts or as texts, or as LLaVA 1.5 without one', async () => {
    const template =
      "{% for m in messages %}{{ m['role'] }}:{% for c in m['content'] %}{% if c['type'] == 'image' %}<image>{% else %}{{ c['text'] }}{% endif %}{% endfor %};{% endfor %}";
    const inParts = await readLlavaFolder(
      await changed('parts', 'tokenizer_config.json', json => ({ ...json, chat_template: template })),
    );
    expect(inParts.write(question('who')).text).toBe('user:<image>who;');
    const none = await readLlavaFolder(
      await changed('none', 'tokenizer_config.json', ({ chat_template: _, ...json }) => json),
    );
    expect(none.write(question('who'))).toMatchObject({ text: 'USER: <image>\nwho ASSISTANT:', images: [picture] });
  });
});

describe('what cannot be done', () => {
  it('is refused by name', async () => {
    await expect(model.chat(question('<image>'))).rejects.toThrow(/<image> stands for a picture/);
    await expect(model.chat(question('a'), { draw: 'always' })).rejects.toThrow(/llava-hf does not draw/);
    const refused = async (name: string, file: string, change: object, message: RegExp) =>
      expect(Duet.loadChat(await changed(name, file, json => ({ ...json, ...change })))).rejects.toThrow(message);
    await refused(
      'type',
      'config.json',
      { model_type: 'blip' },
      /model_type llava, blip-2 or instructblip, got "blip"/,
    );
    await refused('image', 'config.json', { image_token_index: 333 }, /reads <image> as 334 and not as 333/);
    await refused('layer', 'config.json', { vision_feature_layer: -9 }, /vision_feature_layer/);
    await refused('pad', 'preprocessor_config.json', { do_pad: true }, /do_pad is not built/);
    await refused('size', 'preprocessor_config.json', { crop_size: 24 }, /the tower reads pictures of 12 x 12/);
    await refused('resample', 'preprocessor_config.json', { resample: 9 }, /resample must be one of 1, 2, 3, got 9/);
    await expect(Duet.loadChat(join(scratch, 'nowhere'))).rejects.toMatchObject({ code: 'model-not-found' });
  });
});
