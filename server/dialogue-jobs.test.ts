/** Dialogues as native jobs, on a stand-in model: their events, what is kept of them, and what is refused. */
import type { FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { readParameters } from '../src/image/index.ts';
import { buildApp } from './app.ts';
import { type ServerConfig, serverConfig } from './config.ts';
import type { JobEvent } from './jobs/types.ts';
import type { WireEvent, WireJob } from './routes/native/wire.ts';
import { type FakeChatOptions, fakeChatModel, foxes, foxesText } from './testing/fake-chat-model.ts';
import { post, redPng, submit } from './testing/test-app.ts';

const apps: FastifyInstance[] = [];
afterEach(async () => {
  await Promise.all(apps.splice(0).map(app => app.close()));
});

async function start(fake: FakeChatOptions = {}, values: Partial<ServerConfig> = {}) {
  const model = fakeChatModel(fake);
  const config = serverConfig({ data: null, maxEventLoopDelay: 0, ...values });
  const app = await buildApp({ config, models: [model], pageFolder: '/nowhere' });
  apps.push(app);
  return { app, model };
}

const asked = { mode: 'chat', messages: [{ role: 'user', content: 'Show me two foxes.' }], seed: 5 };

/** Asks for a job, reads its events over HTTP, and lets the model begin when they are being read. */
async function follow({ app, model }: Awaited<ReturnType<typeof start>>, body: object) {
  const origin = await app.listen({ host: '127.0.0.1', port: 0 });
  const { urls } = await submit(app, body);
  const response = await fetch(origin + urls.events, { headers: { accept: 'text/event-stream' } });
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    model.advance();
  }
  const events: WireEvent[] = [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data!));
  return { events, job: (await app.inject({ url: urls.get })).json() };
}

async function ended(app: FastifyInstance, id: string): Promise<WireJob> {
  for await (const _ of app.jobs.events(id));
  return (await app.inject({ url: `/v1/jobs/${id}` })).json();
}

/** Text and pictures in their order, as a client puts them together by `at`. */
function putTogether(events: readonly WireEvent[]): string {
  let text = '';
  const places: number[] = [];
  for (const event of events) {
    if (event.type === 'text') text = text.slice(0, event.at) + event.delta;
    if (event.type === 'image-started') places[event.index] = event.at;
  }
  return places.reduceRight((all, at, index) => `${all.slice(0, at)}[${index}]${all.slice(at)}`, text);
}

describe('an answer', () => {
  it('is told while it comes about, and kept with its pictures', async () => {
    const { app, model } = await start({ pace: 'stepwise' });
    const image = `data:image/png;base64,${(await redPng()).toString('base64')}`;
    const messages = [
      { role: 'system', content: 'Be brief.' },
      {
        role: 'user',
        content: [
          { type: 'image', image },
          { type: 'text', text: 'Two like it.' },
        ],
      },
    ];
    const { events, job } = await follow({ app, model }, { ...asked, messages, preview_every: 1 });
    const { id } = job;
    expect(putTogether(events)).toBe('Here is one: [0]a fox. And [1]another.');
    expect(events.at(-1)!.type).toBe('completed');
    expect(job.result).toMatchObject({
      samples: [{ seed: 5, url: `/v1/jobs/${id}/files/0.png`, width: 16 }, { seed: 6 }],
      answer: {
        content: [
          { type: 'text', text: 'Here is one: ' },
          { type: 'image', index: 0 },
          { type: 'text', text: 'a fox. And ' },
          { type: 'image', index: 1 },
          { type: 'text', text: 'another.' },
        ],
        finish_reason: 'stop',
        seed: 5,
        prompt_tokens: 7,
        answer_tokens: 5,
      },
    });
    const given = `/v1/jobs/${id}/files/picture0`;
    expect(job.request.messages[1].content).toEqual([
      { type: 'image', image_url: given },
      { type: 'text', text: 'Two like it.' },
    ]);
    expect((await app.inject({ url: given })).rawPayload).toEqual(await redPng());
    const file = (await app.inject({ url: job.result.samples[1].url })).rawPayload;
    const { parameters } = readParameters(file)!;
    expect(parameters).toMatchObject({ mode: 'chat', model: 'chatty', seed: 6, steps: 2 });
    expect(JSON.stringify(parameters)).not.toContain('brief');
  });

  it('is summed up in lists, which no length of dialogues makes long', async () => {
    const { app } = await start();
    const image = `data:image/png;base64,${(await redPng()).toString('base64')}`;
    const long = {
      role: 'user',
      content: [{ type: 'text', text: '🦊'.repeat(3000) }, ...Array(8).fill({ type: 'image', image })],
    };
    const messages = [
      long,
      { role: 'assistant', content: 'Two.' },
      { ...long, content: [...long.content, long.content[0]] },
    ];
    const { id } = await submit(app, { ...asked, messages });
    const whole = await ended(app, id);
    const [listed] = (await app.inject({ url: '/v1/jobs' })).json().jobs;
    const dialogue = { messages: 3, pictures: 16, last_words: `${'🦊'.repeat(200)}…` };
    expect(whole).toMatchObject({ dialogue, request: { messages: { length: 3 } }, result: { answer: { seed: 5 } } });
    const { content: _content, ...answer } = whole.result!.answer!;
    const { messages: _messages, ...request } = whole.request;
    expect(listed).toEqual({ ...whole, request, result: { ...whole.result, answer } });
    expect(JSON.stringify(listed).length).toBeLessThan(3000);
  });

  it('tells each picture as soon as it is stored', async () => {
    const { app, model } = await start({ pace: 'stepwise' });
    const { urls } = await submit(app, asked);
    const controller = new AbortController();
    const seen: JobEvent[] = [];
    model.advance(7);
    for await (const event of app.jobs.events(urls.get.split('/').at(-1)!, { signal: controller.signal })) {
      seen.push(event);
      if (event.type === 'sample') model.advance();
    }
    const types = seen.map(({ type }) => type);
    expect(types.indexOf('sample')).toBeLessThan(types.lastIndexOf('text'));
    expect(seen.find(({ type }) => type === 'progress')).toMatchObject({ index: 0, step: 1, steps: 2 });
    expect(types.at(-1)).toBe('completed');
  });

  it('without pictures is a result too', async () => {
    const { events, job } = await follow(await start({ pace: 'stepwise' }), { ...asked, draw: 'never' });
    expect(putTogether(events)).toBe(foxesText);
    const { status, result } = job;
    expect([status, result.samples, result.answer.content]).toEqual([
      'succeeded',
      [],
      [{ type: 'text', text: foxesText }],
    ]);
  });

  it('is told once although the inference process died', async () => {
    const script = [...foxes.slice(0, 6), 'dies', ...foxes.slice(6)] as const;
    const { app, model } = await start({ pace: 'stepwise', script });
    const { events } = await follow({ app, model }, asked);
    expect(model.calls).toHaveLength(2);
    expect(putTogether(events)).toBe('Here is one: [0]a fox. And [1]another.');
    const told = events.filter(event => event.type === 'text').map(({ delta }) => delta);
    expect(told.join('')).toBe(foxesText);
    expect(events.filter(({ type }) => type === 'image-started')).toHaveLength(2);
  });

  it('that is cancelled keeps the pictures that it had finished', async () => {
    const { app, model } = await start({ pace: 'stepwise' });
    const { urls } = await submit(app, asked);
    model.advance(6);
    for await (const { type } of app.jobs.events(urls.get.split('/').at(-1)!)) if (type === 'sample') break;
    await app.inject({ method: 'POST', url: urls.cancel });
    const job = await ended(app, urls.get.split('/').at(-1)!);
    expect(job).toMatchObject({ status: 'cancelled', result: { samples: [{ seed: 5 }] } });
    expect(model.calls[0]!.options.signal!.aborted).toBe(true);
  });

  it.each(['failed', 'cancelled'] as const)(
    'that is %s keeps what was written, for those who come later',
    async end => {
      const script = [
        ...foxes.slice(0, 8),
        ...(end === 'failed' ? [{ fails: new Error('out of paint') }] : foxes.slice(8)),
      ];
      const { app, model } = await start({ pace: 'stepwise', script });
      const { urls } = await submit(app, asked);
      const id = urls.get.split('/').at(-1)!;
      model.advance(end === 'failed' ? undefined : 8);
      for await (const event of app.jobs.events(id)) {
        if (event.type === 'image-started' && event.index === 1 && end === 'cancelled') app.jobs.cancel(id);
      }
      const written = {
        text: 'Here is one: a fox. And ',
        pictures: [expect.objectContaining({ at: 13, seed: 5 }), { at: 24, seed: 6 }],
      };
      expect(await ended(app, id)).toMatchObject({ status: end, written });
      const replayed = (await app.inject({ url: urls.events })).body;
      expect(JSON.parse(/^data: (.*)$/m.exec(replayed)![1]!)).toMatchObject({ written });
    },
  );

  it('waits in line by priority, and no more than may wait', async () => {
    const { app, model } = await start({ pace: 'stepwise' }, { maxRunning: 1, maxQueue: 2 });
    const ids: string[] = [];
    for (const priority of [0, 0, 5]) ids.push((await submit(app, { ...asked, priority, seed: ids.length })).id);
    expect((await post(app, asked)).json()).toMatchObject({ error: { code: 'queue_full' } });
    model.advance();
    for (const id of ids) await ended(app, id);
    expect(model.calls.map(({ options }) => options.seed)).toEqual([0, 2, 1]);
  });

  it('has the number of pictures that the server allows', async () => {
    const { app, model } = await start({}, { maxSamples: 3 });
    await ended(app, (await submit(app, asked)).id);
    expect(model.calls[0]!.options).toMatchObject({ maxImages: 3 });
    expect((await post(app, { ...asked, max_images: 4 })).json()).toMatchObject({ error: { param: 'max_images' } });
  });
});

describe('what is refused', () => {
  it('costs nothing and names its field', async () => {
    const { app, model } = await start();
    const user = (content: unknown) => ({ messages: [{ role: 'user', content }] });
    const cases: [body: object, param: string][] = [
      [{ messages: undefined }, 'messages'],
      [{ messages: [] }, 'messages'],
      [{ messages: 'hello' }, 'messages'],
      [{ messages: [{ role: 'tool', content: 'x' }] }, 'messages[0].role'],
      [{ messages: [{ role: 'user' }] }, 'messages[0].content'],
      [{ messages: [{ role: 'assistant', content: 'x' }] }, 'messages'],
      [{ messages: [{ role: 'user', content: 'x', name: 'y' }] }, 'messages[0].name'],
      [user([{ type: 'text' }]), 'messages[0].content[0].text'],
      [user([{ type: 'image' }]), 'messages[0].content[0].image'],
      [user([{ type: 'image', image: 'AAAA' }]), 'messages[0].content[0].image'],
      [user(7), 'messages[0].content'],
      [user(Array(33).fill({ type: 'image', image: 'AAAA' })), 'messages'],
      [{ messages: Array(1001).fill({ role: 'user', content: 'x' }) }, 'messages'],
      [{ messages: Array(3).fill({ role: 'user', content: 'x'.repeat(100_000) }) }, 'messages'],
      [{ n: 2 }, 'n'],
      [{ stop: 'END' }, 'stop'],
      [{ stop: Array(17).fill('END') }, 'stop'],
      [{ draw: 'sometimes' }, 'draw'],
      [{ top_p: 0 }, 'top_p'],
      [{ max_tokens: 1e9 }, 'max_tokens'],
      [{ steps: 999 }, 'steps'],
      [{ seed: 2 ** 32 - 3 }, 'seed'],
      [{ mode: 't2i' }, 'mode'],
    ];
    for (const [change, param] of cases) {
      const response = await post(app, { ...asked, ...change });
      const shown = `${JSON.stringify(change).slice(0, 80)}: ${response.body.slice(0, 300)}`;
      expect([response.statusCode, response.json().error?.param], shown).toEqual([400, param]);
    }
    expect(model.calls).toEqual([]);
  });
});

describe('what is told of the model', () => {
  it('has its call, its options and the routes that take them', async () => {
    const { app } = await start();
    const capabilities = (await app.inject('/v1/capabilities')).json();
    expect(capabilities).toMatchObject({
      modes: ['chat'],
      dialogue: { sees: true, draws: true },
      calls: { chat: { needs: [['messages']], makes: 'answer' } },
      options: { max_tokens: { minimum: 1 }, top_p: { exclusiveMinimum: 0, maximum: 1 } },
    });
    expect((await app.inject('/v1/models')).json().data).toMatchObject([{ id: 'chatty', modes: ['chat'] }]);
    const { paths } = (await app.inject('/openapi.json')).json();
    const fieldsOf = (path: string) =>
      Object.keys(paths[path].post.requestBody.content['application/json'].schema.properties);
    expect(fieldsOf('/v1/jobs')).toEqual(expect.arrayContaining(['messages', 'max_tokens', 'draw', 'stop']));
    expect(fieldsOf('/v1/chat/completions')).toEqual(
      expect.arrayContaining(['messages', 'max_completion_tokens', 'max_tokens', 'temperature', 'stop', 'n']),
    );
    expect(fieldsOf('/v1/responses')).toEqual(
      expect.arrayContaining(['input', 'instructions', 'tools', 'tool_choice', 'max_output_tokens']),
    );
  });

  it('does not make other routes offer what it cannot do', async () => {
    const { app } = await start();
    const drawn = await app.inject({ method: 'POST', url: '/v1/images/generations', payload: { prompt: 'a fox' } });
    expect([drawn.statusCode, drawn.json().error.param]).toEqual([400, 'mode']);
    const foreign = await app.inject({ method: 'POST', url: '/sdapi/v1/txt2img', payload: { prompt: 'a fox' } });
    expect(foreign.statusCode).toBeGreaterThanOrEqual(400);
    const input = { mode: 't2i', prompt: 'a fox' };
    const predicted = await app.inject({
      method: 'POST',
      url: '/replicate/v1/models/duet/chatty/predictions',
      payload: { input },
    });
    expect(predicted.statusCode).toBe(422);
    await ended(app, (await submit(app, asked)).id);
    const { results } = (await app.inject('/replicate/v1/predictions')).json();
    expect(results[0]).toMatchObject({ status: 'succeeded', model: 'duet/chatty' });
    expect(results[0].output).toMatchObject([
      'Here is one: ',
      expect.stringMatching(/0\.png$/),
      'a fox. And ',
      expect.stringMatching(/1\.png$/),
      'another.',
    ]);
  });
});
