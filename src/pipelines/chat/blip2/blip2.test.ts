/** BLIP-2 and InstructBLIP folders as transformers wrote them, against what transformers makes of them, and as their users meet them. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compare } from '../../../../test/golden/compare.ts';
import type { GoldenBackend } from '../../../../test/golden/harness.ts';
import { readValues } from '../../../../test/golden/tensors.ts';
import { Duet } from '../../../index.ts';
import { generateTokens, placeImages, readPrompt, TokenChooser } from '../../../lm/index.ts';
import { createNetworks } from '../networks.ts';
import { readChatFolder } from '../read-chat-folder.ts';

const checkpoints = fileURLToPath(new URL('../../../../test/golden/data/checkpoints/', import.meta.url));
const folderOf = (name: string) => join(checkpoints, `${name}-hf`);
const readJson = async (file: string) => JSON.parse(await readFile(file, 'utf8'));

const picture = { width: 20, height: 13, data: Uint8Array.from({ length: 20 * 13 * 3 }, (_, i) => (i * 7) % 256) };

const devices: Record<GoldenBackend, 'cpu' | 'reference'> = { cpu: 'cpu', reference: 'reference' };

describe.each(['blip2-opt', 'blip2-t5', 'instructblip-llama', 'instructblip-t5'])(
  '%s, a folder of transformers',
  name => {
    it.each(['cpu', 'reference'] as const)('gives its features, logits and greedy answers (%s)', async backend => {
      const { cases, tolerance } = await readJson(join(checkpoints, `expected-${name}.json`));
      const read = await readChatFolder(folderOf(name));
      const networks = await createNetworks(read, { threads: 1, device: devices[backend] });
      const { tokenizer, network } = read.language;
      for (const { text, inputs, outputs } of cases) {
        const check = (what: string, got: Float32Array, expected: { data: readonly number[] }) =>
          expect(
            compare(`${name} ${text} ${what}`, { data: got }, { ...expected, shape: [got.length] }, tolerance),
          ).toMatchObject({ pass: true });
        const features = (await networks.see!([picture], { text: text ?? '' }))[0]!;
        check('features', features, outputs.features);
        const [image] = readValues(inputs.input_ids).data;
        const places = features.length / network.width;
        const ids = [...new Array(places).fill(image), ...tokenizer.encode(text ?? '')];
        expect(ids).toEqual(readValues(inputs.input_ids).data);
        const prompt = placeImages(ids, { placeholder: image!, images: [features], width: network.width });
        const sequences = networks.decoder.sequences({});
        const { logits } = await readPrompt(sequences.create(), prompt, sequences);
        check('logits', logits, outputs.logits);
        const greedy: number[] = [];
        const options = { chooser: new TokenChooser({}), maxTokens: 10, stopIds: [] };
        for await (const { id } of generateTokens(prompt, sequences, options)) greedy.push(id);
        expect(greedy).toEqual(readValues(outputs.greedy).data.slice(-10));
      }
      await networks.release();
    });
  },
);

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'duet-blip2-'));
});
afterAll(() => rm(scratch, { recursive: true }));

/** A folder with a file changed, which may have to be made anew. */
async function changed(
  name: string,
  from: string,
  file: string,
  change: (json: Record<string, unknown>) => unknown,
): Promise<string> {
  const own = join(scratch, name);
  await cp(folderOf(from), own, { recursive: true });
  const json = await readJson(join(own, file)).catch(() => ({}));
  await writeFile(join(own, file), JSON.stringify(change(json)));
  return own;
}

const question = (...texts: string[]) =>
  [
    {
      role: 'user',
      content: [{ type: 'image', image: picture }, ...texts.map(text => ({ type: 'text', text }) as const)],
    },
  ] as const;
const greedy = { maxTokens: 8, seed: 1, temperature: 0 };

describe('BLIP-2', () => {
  it('answers about a picture, captions it without a question, and goes on in a dialogue', async () => {
    const model = await Duet.loadChat(folderOf('blip2-opt'));
    expect([model.family, model.name, model.sees, model.draws]).toEqual(['blip-2', 'blip2-opt-hf', true, false]);
    expect(model.chatText(question('what is it'))).toBe('Question: what is it Answer:');
    expect(model.chatText(question('Question: who? Answer:'))).toBe('Question: who? Answer:');
    expect(model.chatText(question())).toBe('');
    const answer = await model.chat(question('what is it'), greedy);
    expect(answer.text).not.toBe('');
    expect(await model.chat(question('what is it'), greedy)).toEqual(answer);
    expect((await model.chat(question(), greedy)).text).not.toBe(answer.text);
    const dialogue = [
      { role: 'system', content: 'be kind' },
      ...question('what is it'),
      { role: 'assistant', content: 'a boat' },
      { role: 'user', content: 'which colour?' },
    ] as const;
    expect(model.chatText(dialogue)).toBe(
      'be kind Question: what is it Answer: a boat. Question: which colour? Answer:',
    );
    const refused = (messages: Parameters<typeof model.chat>[0], message: RegExp) =>
      expect(model.chat(messages, greedy)).rejects.toThrow(message);
    await refused([...question('a'), { role: 'assistant', content: 'b' }, ...question('c')], /one picture, got 2/);
    await refused([{ role: 'user', content: '' }], /needs words/);
    await refused(
      [...question(), { role: 'assistant', content: 'b' }, { role: 'user', content: 'c' }],
      /Earlier messages/,
    );
    await refused(question('<image>'), /<image> stands for a picture/);
    await refused(question('what '.repeat(30)), /positions; the model reads 64/);
    await model.release();
  });

  it('of before 2025, without image tokens and with a processor of its own, is the same', async () => {
    const old = await changed('old', 'blip2-opt', 'config.json', ({ image_token_index: _, ...json }) => json);
    const { image_processor: processor } = await readJson(join(old, 'processor_config.json'));
    await rm(join(old, 'processor_config.json'));
    await writeFile(join(old, 'preprocessor_config.json'), JSON.stringify({ ...processor, size: 12 }));
    const tokenizer = await readJson(join(old, 'tokenizer.json'));
    const added = tokenizer.added_tokens.filter(({ content }: { content: string }) => content !== '<image>');
    await writeFile(join(old, 'tokenizer.json'), JSON.stringify({ ...tokenizer, added_tokens: added }));
    const answers = await Promise.all(
      [old, folderOf('blip2-opt')].map(async folder => {
        const model = await Duet.loadChat(folder);
        const answer = await model.chat(question('what is it'), greedy);
        await model.release();
        return answer;
      }),
    );
    expect(answers[0]).toEqual(answers[1]);
  });

  it('that does not fit together is refused by name', async () => {
    let count = 0;
    const refused = async (file: string, change: (json: Record<string, unknown>) => unknown, message: RegExp) =>
      expect(Duet.loadChat(await changed(`wrong${count++}`, 'blip2-opt', file, change))).rejects.toThrow(message);
    const part = (name: string, values: object) => (json: Record<string, unknown>) => ({
      ...json,
      [name]: { ...(json[name] as object), ...values },
    });
    await refused('config.json', part('text_config', { model_type: 'bloom' }), /must be one of llama, opt.*"bloom"/);
    await refused('config.json', part('text_config', { num_hidden_layers: 3 }), /missing: language_model.*layers\.2/);
    await refused('config.json', part('text_config', { num_hidden_layers: 1 }), /left over: language_model.*layers\.1/);
    await refused('config.json', part('text_config', { num_hidden_layers: 1e9 }), /num_hidden_layers must be <= 1000/);
    await refused('config.json', part('text_config', { hidden_size: 1e9 }), /of another shape/);
    await refused('config.json', part('text_config', { num_attention_heads: 5 }), /must divide hidden_size 16, got 5/);
    await refused('config.json', part('text_config', { vocab_size: 200 }), /ids up to 300, the model has 200/);
    await refused('config.json', part('vision_config', { num_attention_heads: 3 }), /vision_config.*divide.*got 3/);
    await refused('config.json', part('vision_config', { image_size: 16 }), /of another shape.*position_embedding/);
    await refused('config.json', part('vision_config', { patch_size: 13 }), /patch_size must be at most image_size 12/);
    await refused('config.json', part('vision_config', { num_hidden_layers: 1 }), /left over: vision_model/);
    await refused('config.json', part('qformer_config', { num_attention_heads: 3 }), /qformer_config.*divide/);
    await refused('config.json', part('qformer_config', { hidden_size: 1e12 }), /of another shape/);
    await refused('config.json', json => ({ ...json, num_query_tokens: 5 }), /query_tokens \[1, 4, 16\]/);
    await refused('config.json', json => ({ ...json, text_config: 7 }), /text_config/);
    await refused('processor_config.json', part('image_processor', { size: { height: 24, width: 24 } }), /12 x 12/);
    await refused('processor_config.json', part('image_processor', { resample: 0 }), /resample must be one of/);
    await refused(
      'model.safetensors.index.json',
      ({ weight_map: map }) => {
        const { query_tokens: _, ...others } = map as Record<string, string>;
        return { weight_map: others };
      },
      /has no Q-Former \(…query_tokens\)/,
    );
  });
});

describe('BLIP-2 with T5', () => {
  it('answers many at once, in prompts of several lengths, as each alone', async () => {
    const model = await Duet.loadChat(folderOf('blip2-t5'));
    const texts = ['what is it', 'how many dogs are there ?', 'who', 'what is in the picture of a red boat', 'which'];
    const ask = (text: string, index: number) =>
      model.chat(question(text), { maxTokens: 5 + 4 * index, seed: index, temperature: 1 });
    const together = await Promise.all(texts.map(ask));
    for (const [index, text] of texts.entries()) expect(await ask(text, index)).toEqual(together[index]);
    expect(new Set(together.map(({ text }) => text)).size).toBe(texts.length);
    const { answerTokens, finishReason } = await model.chat(question('what is it'), { ...greedy, maxTokens: 3 });
    expect([answerTokens, finishReason]).toEqual([3, 'length']);
    await expect(model.chat(question('what is it ? '.repeat(700)), greedy)).rejects.toThrow(/the model reads 2048/);
    await model.release();
  });

  it('that does not fit together is refused by name', async () => {
    let count = 0;
    const refused = async (values: object, message: RegExp) => {
      const folder = await changed(`t5-${count++}`, 'blip2-t5', 'config.json', json => ({
        ...json,
        text_config: { ...(json['text_config'] as object), ...values },
      }));
      await expect(Duet.loadChat(folder)).rejects.toThrow(message);
    };
    await refused({ num_layers: 3 }, /missing: language_model.encoder.block.2/);
    await refused({ num_decoder_layers: 1 }, /left over: language_model.decoder.block.1/);
    await refused({ num_layers: 1e9 }, /num_layers must be <= 1000/);
    await refused({ d_kv: 5 }, /of another shape/);
    await refused({ num_heads: 1e12 }, /of another shape/);
    await refused({ relative_attention_num_buckets: 2 }, /num_buckets must be >= 4/);
    await refused({ relative_attention_max_distance: 4 }, /above half of 8 buckets, got 4/);
    await refused({ relative_attention_max_distance: 1e9 }, /max_distance must be <= 100000/);
    await refused({ dense_act_fn: 'toString' }, /must be one of .*, got toString/);
    await refused({ feed_forward_proj: 'gated-gelu-x' }, /feed_forward_proj must be/);
    await refused({ is_gated_act: false }, /missing: .*DenseReluDense.wi\./);
    await refused({ decoder_start_token_id: 121 }, /below vocab_size 121, got 121/);
    await refused({ vocab_size: 100 }, /ids up to 120, the model has 100/);
  });
});

describe('InstructBLIP', () => {
  it('looks at a picture for what it is told, which both of its readers see', async () => {
    const model = await Duet.loadChat(folderOf('instructblip-llama'));
    expect([model.family, model.sees, model.draws]).toEqual(['instructblip', true, false]);
    expect(model.chatText(question('what is it'))).toBe('what is it');
    expect(model.chatText(question())).toBe('A short image description.');
    const answer = await model.chat(question('what is it'), greedy);
    expect(await model.chat(question('what is it'), greedy)).toEqual(answer);
    await expect(model.chat(question('a '.repeat(39)), greedy)).rejects.toThrow(
      /41 tokens of the Q-Former, which reads 40/,
    );
    await model.release();
  });

  it('that does not fit together is refused by name', async () => {
    const lost = await changed('lost', 'instructblip-llama', 'config.json', json => json);
    await rm(join(lost, 'qformer_tokenizer'), { recursive: true });
    await expect(Duet.loadChat(lost)).rejects.toThrow(/Cannot read .*qformer_tokenizer/);
    const few = await changed('few', 'instructblip-llama', 'config.json', ({ qformer_config: q, ...json }) => ({
      ...json,
      qformer_config: { ...(q as object), vocab_size: 9 },
    }));
    await expect(Duet.loadChat(few)).rejects.toThrow(/ids up to 1\d\d, the Q-Former has 9 tokens/);
  });
});
