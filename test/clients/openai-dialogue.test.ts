/** Chat completions of a model that writes and draws, through the `openai` package. */
import type OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakeChatModel, fakeChatModel, foxesText } from '../../server/testing/fake-chat-model.ts';
import { colourOf, dataUrl, drawn, serveDialogues, until, withServer } from './dialogue-server.ts';
import { clientOf, metadata } from './openai-client.ts';
import { serve } from './serve.ts';

let model: FakeChatModel;
let client: OpenAI;
let close: () => Promise<void>;

beforeAll(async () => {
  ({ model, client, close } = await serveDialogues());
});
afterAll(() => close());

type Image = { type: string; index: number; image_url: { url: string } };
type Ask = OpenAI.ChatCompletionCreateParamsNonStreaming;
const asked: Ask['messages'] = [{ role: 'user', content: 'Show me two foxes.' }];
const base = { model: 'chatty', messages: asked, seed: 5 };

describe('chat.completions.create', () => {
  it('answers in words and pictures', async () => {
    const answer = await client.chat.completions.create(base);
    const [choice] = answer.choices;
    const { content, images, parts } = choice!.message as unknown as {
      content: string;
      images: Image[];
      parts: { type: string; text?: string }[];
    };
    expect([content, choice!.finish_reason]).toEqual([foxesText, 'stop']);
    expect(images.map(({ type, index }) => [type, index])).toEqual([
      ['image_url', 0],
      ['image_url', 1],
    ]);
    expect(images[0]!.image_url.url).toMatch(/^data:image\/png;base64,/);
    for (const [index, { image_url }] of images.entries()) {
      expect(await colourOf(image_url.url)).toEqual(drawn(5 + index));
    }
    expect(parts.map(({ text, type }) => text ?? type)).toEqual([
      'Here is one: ',
      'image_url',
      'a fox. And ',
      'image_url',
      'another.',
    ]);
    expect(answer).toMatchObject({ seed: 5, usage: { prompt_tokens: 7, completion_tokens: 5, total_tokens: 12 } });
  });

  it('streams words as they come and each picture when it is finished', async () => {
    const stream = { stream: true, stream_options: { include_usage: true } } as const;
    const chunks = [];
    for await (const chunk of await client.chat.completions.create({ ...base, ...stream })) chunks.push(chunk);
    const deltas = chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta)) as {
      content?: string;
      images?: Image[];
    }[];
    expect(deltas[0]).toEqual({ role: 'assistant', content: '' });
    expect(deltas.map(({ content = '' }) => content).join('')).toBe(foxesText);
    const images = deltas.flatMap(delta => delta.images ?? []);
    expect(images.map(({ index }) => index).sort()).toEqual([0, 1]);
    for (const { index, image_url } of images) expect(await colourOf(image_url.url)).toEqual(drawn(5 + index));
    expect(chunks.at(-2)).toMatchObject({ choices: [{ delta: {}, finish_reason: 'stop' }] });
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 12 } });
  });

  it('does not wait for the end: words and pictures arrive while the model is at it', () =>
    withServer({ pace: 'stepwise' }, async (own, { advance }) => {
      const stream = await own.chat.completions.create({ ...base, stream: true });
      const seen: string[] = [];
      advance(6); // up to the first finished picture
      for await (const { choices } of stream) {
        const { content, images } = (choices[0]?.delta ?? {}) as { content?: string; images?: Image[] };
        if (content) seen.push(content);
        if (images) seen.push(`picture ${images[0]!.index}`);
        if (seen.at(-1) === 'picture 0') advance();
      }
      expect(seen).toEqual(['Here ', 'is one: ', 'a fox.', 'picture 0', ' And ', ...seen.slice(5)]);
      expect(seen.slice(5).sort()).toEqual(['another.', 'picture 1']);
    }));

  it('gives the model the whole conversation, and its options', async () => {
    const url = await dataUrl();
    const given = { type: 'image_url', image_url: { url } } as const;
    const first = await client.chat.completions.create(base);
    await client.chat.completions.create({
      ...base,
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'developer', content: [{ type: 'text', text: 'And kind.' }] },
        { role: 'user', content: [given, { type: 'text', text: 'What is this?' }] },
        first.choices[0]!.message,
        { role: 'user', content: 'And now?' },
      ],
      temperature: 0.5,
      top_p: 0.9,
      max_completion_tokens: 40,
      stop: ['###', 'END'],
    });
    const { messages, options } = model.calls.at(-1)!;
    const kinds = messages.map(({ role, content }) => [
      role,
      ...(content as { type: string; text?: string }[]).map(({ type, text }) => text ?? type),
    ]);
    expect(kinds).toEqual([
      ['system', 'Be brief.'],
      ['system', 'And kind.'],
      ['user', 'image', 'What is this?'],
      ['assistant', 'Here is one: ', 'image', 'a fox. And ', 'image', 'another.'],
      ['user', 'And now?'],
    ]);
    expect(options).toMatchObject({ temperature: 0.5, topP: 0.9, maxTokens: 40, stop: ['###', 'END'], seed: 5 });
    await client.chat.completions.create({ ...base, max_tokens: 3, stop: 'END' });
    expect(model.calls.at(-1)!.options).toMatchObject({ maxTokens: 3, stop: ['END'] });
  });

  it('draws as the modalities say', async () => {
    const drawOf = async (modalities: string[] | undefined) => {
      await client.chat.completions.create({ ...base, modalities } as unknown as Ask);
      return model.calls.at(-1)!.options.draw;
    };
    expect(await drawOf(undefined)).toBeUndefined();
    expect(await drawOf(['text'])).toBe('never');
    expect(await drawOf(['image', 'text'])).toBeUndefined();
    expect(await drawOf(['image'])).toBe('always');
    const message = (await client.chat.completions.create({ ...base, modalities: ['text'] })).choices[0]!.message;
    expect(message).not.toHaveProperty('images');
  });

  it('brings pictures to the size asked for, and tells that it was cut short', () =>
    withServer({ finishReason: 'length' }, async own => {
      const { choices } = await own.chat.completions.create({ ...base, size: '32x24' } as Ask);
      const { images } = choices[0]!.message as unknown as { images: Image[] };
      expect(await metadata(images[0]!.image_url.url.split(',')[1])).toMatchObject({ width: 32, height: 24 });
      expect(choices[0]!.finish_reason).toBe('length');
    }));

  it('goes on where it was when the inference process dies', () =>
    withServer(
      { script: ['One ', { start: 0 }, { finish: 0 }, 'two ', 'dies', 'three', { start: 1 }, { finish: 1 }] },
      async (own, { calls }) => {
        const told: string[] = [];
        for await (const { choices } of await own.chat.completions.create({ ...base, stream: true })) {
          const { content, images } = (choices[0]?.delta ?? {}) as { content?: string; images?: Image[] };
          if (content) told.push(content);
          for (const { index } of images ?? []) told.push(`picture ${index}`);
        }
        expect(calls).toHaveLength(2);
        expect(told.filter(part => !part.startsWith('picture')).join('')).toBe('One two three');
        expect(told.filter(part => part.startsWith('picture')).sort()).toEqual(['picture 0', 'picture 1']);
      },
    ));

  it('tells faults by the status, and in a stream as an error', () =>
    withServer({ script: ['Some ', { fails: new Error('inner secret') }] }, async own => {
      const whole = own.chat.completions.create(base);
      await expect(whole).rejects.toMatchObject({ status: 500, code: 'generation_failed' });
      const read = async () => {
        const words: string[] = [];
        try {
          for await (const { choices } of await own.chat.completions.create({ ...base, stream: true })) {
            words.push(choices[0]?.delta.content ?? '');
          }
        } catch (error) {
          return { words: words.join(''), error };
        }
        return expect.unreachable('was served');
      };
      const { words, error } = await read();
      expect(words).toBe('Some ');
      expect(error).toMatchObject({ code: 'generation_failed', type: 'server_error' });
      expect(String(error)).not.toContain('inner secret');
    }));

  it('is cancelled by a client that goes away', () =>
    withServer({ pace: 'stepwise' }, async (own, { calls, advance }) => {
      for (const stream of [false, true]) {
        const { length } = calls;
        const controller = new AbortController();
        const call = own.chat.completions.create({ ...base, stream }, { signal: controller.signal });
        const settled = call.then(
          () => {},
          () => {},
        );
        await until(() => calls.length > length);
        if (stream) advance(3);
        controller.abort();
        await settled;
        await until(() => calls.at(-1)!.options.signal!.aborted);
      }
    }));

  it('refuses what it cannot do, by the name of the field', async () => {
    const url = await dataUrl();
    const picture = { type: 'image_url', image_url: { url } };
    const user = (content: unknown) => ({ messages: [{ role: 'user', content }] });
    const cases: [body: object, param: string][] = [
      [{ n: 2 }, 'n'],
      [{ temperature: -1 }, 'temperature'],
      [{ top_p: 0 }, 'top_p'],
      [{ max_tokens: 0 }, 'max_tokens'],
      [{ stop: [''] }, 'stop'],
      [{ seed: 2 ** 32 - 1 }, 'seed'],
      [{ max_images: 17 }, 'max_images'],
      [{ messages: [] }, 'messages'],
      [{ messages: [{ role: 'assistant', content: 'Hello.' }] }, 'messages'],
      [{ messages: [{ role: 'tool', content: 'x', tool_call_id: 'a' }] }, 'messages[0].role'],
      [{ messages: [{ role: 'system', content: 'x' }] }, 'messages'],
      [{ messages: 'hello' }, 'messages'],
      [user([{ type: 'input_audio' }]), 'messages[0].content[0].type'],
      [user([{ type: 'text' }]), 'messages[0].content[0].text'],
      [user([{ type: 'image_url' }]), 'messages[0].content[0].image_url'],
      [
        user([{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }]),
        'messages[0].content[0].image_url',
      ],
      [user(Array(33).fill(picture)), 'messages'],
      [user(Array(101).fill({ type: 'text', text: 'a' })), 'messages[0].content'],
      [{ messages: Array(1001).fill(asked[0]) }, 'messages'],
      [{ messages: Array(3).fill({ role: 'user', content: 'a'.repeat(100_000) }) }, 'messages'],
      [user(7), 'messages[0].content'],
      [user('half \ud800'), 'messages[0].content'],
    ];
    const { length } = model.calls;
    for (const [change, param] of cases) {
      const call = client.chat.completions.create({ ...base, ...change } as Ask);
      await expect(call, JSON.stringify(change).slice(0, 80)).rejects.toMatchObject({ status: 400, param });
    }
    const remote = { type: 'image_url', image_url: { url: 'http://127.0.0.1:1/a.png' } };
    const fetched = client.chat.completions.create({ ...base, ...user([remote]) } as Ask);
    await expect(fetched).rejects.toMatchObject({ status: 403 });
    expect(model.calls).toHaveLength(length);
    const blind = await serve(fakeChatModel({ sees: false }));
    const shown = clientOf(blind).chat.completions.create({ ...base, ...user([picture]) } as Ask);
    await expect(shown).rejects.toMatchObject({ status: 400, param: 'messages[0].content[0].image_url' });
    await blind.close();
  });
});
