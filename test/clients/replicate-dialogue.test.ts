/** Language models through the `replicate` package: prompts, dialogues, and answers that stream. */
import Replicate, { type ApiError } from 'replicate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakeChatModel, type FakeChatOptions, fakeChatModel } from '../../server/testing/fake-chat-model.ts';
import { colourOf, drawn, until } from './dialogue-server.ts';
import { png, type RunningServer, serve } from './serve.ts';

let model: FakeChatModel;
let server: RunningServer;
let client: Replicate;

beforeAll(async () => {
  model = fakeChatModel();
  server = await serve(model);
  client = clientOf(server);
});
afterAll(() => server.close());

function clientOf({ origin }: RunningServer, auth = 'any'): Replicate {
  return new Replicate({ baseUrl: `${origin}/replicate/v1`, auth, useFileOutput: false });
}

async function withServer(options: FakeChatOptions, use: (own: Replicate, model: FakeChatModel) => Promise<void>) {
  const own = fakeChatModel(options);
  const running = await serve(own);
  await use(clientOf(running), own);
  await running.close();
}

const words: FakeChatOptions = { script: ['Two ', 'foxes\nand a\n\n', ' cat.\n'] };
const name = 'duet/chatty';

describe('run', () => {
  it('answers with a list of texts, which together are the answer', () =>
    withServer(words, async (own, { calls }) => {
      const input = {
        prompt: 'What is there?',
        system_prompt: 'Be brief.',
        max_tokens: 9,
        temperature: 0.5,
        top_p: 0.9,
        top_k: 0,
        stop_sequences: '###,User:',
        seed: 3,
      };
      const output = (await own.run(name, { input })) as string[];
      expect(output.join('')).toBe('Two foxes\nand a\n\n cat.\n');
      const text = (said: string) => [{ type: 'text', text: said }];
      expect(calls[0]).toMatchObject({
        messages: [
          { role: 'system', content: text('Be brief.') },
          { role: 'user', content: text('What is there?') },
        ],
        options: { maxTokens: 9, temperature: 0.5, topP: 0.9, topK: 0, stop: ['###', 'User:'], seed: 3 },
      });
    }));

  it('is given a picture in front of the prompt, and whole dialogues', async () => {
    const image = await png(16, 'red');
    await client.run(name, { input: { prompt: 'What is it?', image, max_new_tokens: 4 } });
    const [first] = model.calls.at(-1)!.messages;
    expect(first!.content).toMatchObject([{ type: 'image' }, { type: 'text', text: 'What is it?' }]);
    const messages = [
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'b' },
      { role: 'user', content: [{ type: 'image', image: `data:image/png;base64,${image.toString('base64')}` }] },
    ];
    await client.run(name, { input: { messages } });
    expect(model.calls.at(-1)!.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
    const [listed] = (await client.predictions.list()).results;
    expect(listed!.input).not.toHaveProperty('messages');
    const { input } = (await client.predictions.get(listed!.id)) as { input: { messages: { content: object[] }[] } };
    const url = expect.stringMatching(/^http:.*\/files\/picture0$/);
    expect(input.messages.map(({ content }) => content)).toEqual([
      [{ type: 'text', text: 'a' }],
      [{ type: 'text', text: 'b' }],
      [{ type: 'image', image_url: url }],
    ]);
  });

  it('has pictures among the texts, in their order', async () => {
    const output = (await client.run(name, { input: { prompt: 'Show me two foxes.', seed: 5 } })) as string[];
    expect([output[0], output[2], output[4]]).toEqual(['Here is one: ', 'a fox. And ', 'another.']);
    expect([await colourOf(output[1]!), await colourOf(output[3]!)]).toEqual([drawn(5), drawn(6)]);
  });

  it('shows what there is of an answer, if it is looked at before the end', () =>
    withServer({ pace: 'stepwise' }, async (own, { advance }) => {
      const { id } = await own.predictions.create({ model: name, input: { prompt: 'Two foxes', seed: 5 } });
      const outputNow = async () => ((await own.predictions.get(id)).output ?? []) as string[];
      const shown = (part: string) => (part.startsWith('data:image') ? '[]' : part);
      const eventually = (parts: readonly string[]) =>
        expect.poll(async () => (await outputNow()).map(shown), { timeout: 60_000 }).toEqual(parts);
      await eventually([]);
      advance(4); // the words, the first picture begun, words behind it
      await eventually(['Here is one: ']);
      advance(2);
      await eventually(['Here is one: ', '[]', 'a fox.']);
      expect(await colourOf((await outputNow())[1]!)).toEqual(drawn(5));
      advance();
      await eventually(['Here is one: ', '[]', 'a fox. And ', '[]', 'another.']);
    }));

  it('refuses what is asked twice, or not at all', async () => {
    const refusalOf = async (input: object) => {
      const error = (await client.run(name, { input }).catch(thrown => thrown)) as ApiError;
      return [error.response.status, error.message] as const;
    };
    const messages = [{ role: 'user', content: 'a' }];
    expect(await refusalOf({ messages, prompt: 'b' })).toEqual([422, expect.stringMatching(/both given/)]);
    expect(await refusalOf({ system_prompt: 'b' })).toEqual([422, expect.stringMatching(/input.prompt/)]);
    expect(await refusalOf({ messages: [{ role: 'user', content: [{ type: 'image' }] }] })).toEqual([
      422,
      expect.stringMatching(/input.messages\[0\].content\[0\].image/),
    ]);
  });
});

describe('stream', () => {
  const read = async (own: Replicate, input: object, seen: (event: { event: string; data: string }) => void) => {
    for await (const event of own.stream(name, { input })) seen(event);
  };

  it('has the words as they come', () =>
    withServer({ ...words, pace: 'stepwise' }, async (own, { advance }) => {
      const pieces: string[] = [];
      const types: string[] = [];
      advance(1);
      await read(own, { prompt: 'What is there?' }, event => {
        types.push(event.event);
        pieces.push(String(event));
        advance(1);
      });
      expect(pieces.slice(0, 3)).toEqual(words.script);
      expect(types).toEqual(['output', 'output', 'output', 'done']);
    }));

  it('has pictures in their order, whenever they are finished', () =>
    withServer({ pace: 'stepwise' }, async (own, { advance }) => {
      const pieces: string[] = [];
      advance();
      await read(own, { prompt: 'Two foxes', seed: 5 }, event => pieces.push(String(event)));
      const isPicture = (piece: string) => piece.startsWith('data:image/png');
      const pictures = pieces.filter(isPicture);
      expect(await Promise.all(pictures.map(colourOf))).toEqual([drawn(5), drawn(6)]);
      const shown = pieces.map(piece => (isPicture(piece) ? '[]' : piece)).join('');
      expect(shown).toBe('Here is one: []a fox. And []another.');
    }));

  it('of an answer that is over has all of it, and of one that is cancelled ends', () =>
    withServer({ pace: 'stepwise' }, async (own, { advance, calls }) => {
      const asked = await own.predictions.create({ model: name, input: { prompt: 'Two foxes' } });
      advance();
      await own.wait(asked, {});
      const text = await (await fetch(asked.urls.stream!, { headers: { accept: 'text/event-stream' } })).text();
      expect(text).toMatch(/^id: 13-0\nevent: output\ndata: Here is one: \n\n/);
      expect(text.match(/^data: data:image/gm)).toHaveLength(2);
      expect(text).toMatch(/event: done\ndata: \{\}\n\n$/);
      const other = fakeChatModel({ pace: 'stepwise' });
      const running = await serve(other);
      const slow = await clientOf(running).predictions.create({ model: name, input: { prompt: 'Two foxes' } });
      await until(() => other.calls.length > 0);
      const ended = fetch(slow.urls.stream!, { headers: { accept: 'text/event-stream' } });
      await clientOf(running).predictions.cancel(slow.id);
      expect(await (await ended).text()).toBe('id: 0-0\nevent: done\ndata: {"reason":"canceled"}\n\n');
      await running.close();
      expect(calls).toHaveLength(1);
    }));

  it('goes on where a client was that comes again', () =>
    withServer({}, async own => {
      const asked = await own.predictions.create({ model: name, input: { prompt: 'Two foxes', seed: 5 } });
      await own.wait(asked, {});
      const eventsAfter = async (last?: string) => {
        const headers = { accept: 'text/event-stream', ...(last !== undefined && { 'last-event-id': last }) };
        const text = await (await fetch(asked.urls.stream!, { headers })).text();
        return text.split('\n\n').filter(event => event !== '');
      };
      const all = await eventsAfter();
      expect(all).toHaveLength(6);
      for (const [at, event] of all.entries()) {
        const id = /^id: (.*)$/m.exec(event)![1]!;
        // The end is told again, for the client has come to ask.
        expect(await eventsAfter(id)).toEqual(at < 5 ? all.slice(at + 1) : all.slice(5));
      }
      for (const other of ['', 'x', '-1-0', '5', `${'9'.repeat(30)}-0`]) expect(await eventsAfter(other)).toEqual(all);
      expect((await eventsAfter('5-0'))[0]).toMatch(/data: is one: $/);
    }));

  it('throws what a failed prediction says', () =>
    withServer({ script: ['Some ', { fails: new Error('inner secret') }] }, async own => {
      const pieces: string[] = [];
      await expect(read(own, { prompt: 'a' }, event => pieces.push(String(event)))).rejects.toThrow(/failed/);
      expect(pieces.join('')).not.toContain('secret');
    }));

  it('needs no key, and nothing but its own address leads to it', async () => {
    const locked = await serve(fakeChatModel(words), { apiKeys: ['secret', 'other'] });
    const pieces: string[] = [];
    const own = clientOf(locked, 'secret');
    await read(own, { prompt: 'a' }, event => pieces.push(String(event)));
    expect(pieces.join('')).toBe('Two foxes\nand a\n\n cat.\n');
    const [prediction] = (await own.predictions.list()).results;
    const address = prediction!.urls.stream!;
    const headers = { accept: 'text/event-stream' };
    const wrong = [
      `${address.slice(0, -1)}${address.endsWith('A') ? 'E' : 'A'}`,
      `${address}x`,
      address.slice(0, address.lastIndexOf('/')),
      address.replace(prediction!.id, 'job_other'),
    ];
    for (const url of wrong) expect((await fetch(url, { headers })).status, url).toBeGreaterThanOrEqual(401);
    await locked.close();
  });
});
