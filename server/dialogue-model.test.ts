/** Folders of MiniGPT-5 and LLaVA as the service loads them: real networks of random weights behind every family of routes. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyMiniGpt5, writeMiniGpt5Folder } from '../test/support/tiny-minigpt5.ts';
import { buildApp } from './app.ts';
import { serverConfig } from './config.ts';
import { describeServed, loadModel } from './load-model.ts';
import type { LoadedModel, ServedModel } from './types.ts';

const llavaFolder = fileURLToPath(new URL('../test/golden/data/checkpoints/llava-hf/', import.meta.url));
let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'duet-dialogue-'));
});
afterAll(() => rm(scratch, { recursive: true }));

type Loaded = LoadedModel & { readonly model: ServedModel };

async function appOf(model: Loaded): Promise<FastifyInstance> {
  const config = serverConfig({ data: null, maxEventLoopDelay: 0 });
  return buildApp({ config, models: [model], pageFolder: '/nowhere' });
}

const dataUrl = async (background: string) => {
  const image = sharp({ create: { width: 12, height: 9, channels: 3, background } });
  return `data:image/png;base64,${(await image.png().toBuffer()).toString('base64')}`;
};
/** Of a picture in base64 or in a data URL. */
const pixelsOf = async (picture: string) => {
  const image = sharp(Buffer.from(picture.split(',').at(-1)!, 'base64'));
  return new Uint8Array(await image.removeAlpha().raw().toBuffer());
};
const postTo = async (app: FastifyInstance, url: string, payload: object) => {
  const response = await app.inject({ method: 'POST', url, payload });
  return { status: response.statusCode, body: response.json() };
};

describe('MiniGPT-5', () => {
  let loaded: Loaded;
  let app: FastifyInstance;
  beforeAll(async () => {
    const folder = await writeMiniGpt5Folder(join(scratch, 'tiny'), await tinyMiniGpt5());
    loaded = await loadModel(folder, { threads: 2 });
    app = await appOf(loaded);
    const { info } = await describeServed(folder);
    expect({ ...loaded.info, inspectCaption: null }).toEqual({ ...info, inspectCaption: null });
  });
  afterAll(async () => {
    await app.close();
    await loaded.model.release();
  });

  const asked = { messages: [{ role: 'user', content: 'two birds' }], seed: 3, max_tokens: 12 };

  it('answers with the picture that its own seed gives, in every family', async () => {
    const { body } = await postTo(app, '/v1/chat/completions', { ...asked, modalities: ['image'], max_images: 1 });
    const [{ message }] = body.choices;
    expect(message.images).toHaveLength(1);
    const { samples, answer } = await loaded.model.run(
      'chat',
      { messages: [{ role: 'user', content: 'two birds' }] },
      { seed: 3, maxTokens: 12, draw: 'always', maxImages: 1 },
    );
    const { data: expected } = samples[0]!.image!;
    expect(await pixelsOf(message.images[0].image_url.url)).toEqual(expected);
    expect(message.content).toBe(answer!.content.map(part => (part.type === 'text' ? part.text : '')).join(''));

    const { body: response } = await postTo(app, '/v1/responses', {
      input: 'two birds',
      seed: 3,
      max_output_tokens: 12,
      tools: [{ type: 'image_generation' }],
      tool_choice: 'required',
      max_tool_calls: 1,
    });
    expect(await pixelsOf(response.output[0].result)).toEqual(expected);

    const job = await postTo(app, '/v1/jobs', { ...asked, mode: 'chat', draw: 'always', max_images: 1 });
    for await (const _ of app.jobs.events(job.body.id));
    const { result } = (await app.inject(job.body.urls.get)).json();
    expect(result.answer.content.map(({ type }: { type: string }) => type)).toEqual(['image', 'text']);
    const file = (await app.inject(result.samples[0].url)).rawPayload.toString('base64');
    expect(await pixelsOf(file)).toEqual(expected);
  });

  it('looks at the pictures that it is given', async () => {
    const answerTo = async (colour: string) => {
      const content = [
        { type: 'image_url', image_url: { url: await dataUrl(colour) } },
        { type: 'text', text: 'what is it' },
      ];
      const messages = [{ role: 'user', content }];
      const asks = { ...asked, messages, modalities: ['image'], max_images: 1, size: '32x40' };
      return (await postTo(app, '/v1/chat/completions', asks)).body.choices[0].message.images[0].image_url.url;
    };
    const red = await answerTo('red');
    expect(red).not.toBe(await answerTo('blue'));
    const { width, height } = await sharp(Buffer.from(red.split(',')[1], 'base64')).metadata();
    expect([width, height]).toEqual([32, 40]);
  });

  it('refuses what only it can tell', async () => {
    const refused = async (content: string) =>
      (await postTo(app, '/v1/chat/completions', { messages: [{ role: 'user', content }] })).body.error;
    expect(await refused('see <picture>')).toMatchObject({ param: 'messages', code: 'invalid_value' });
    const long = await refused('the red boat '.repeat(60));
    expect(long).toMatchObject({ param: 'messages', message: expect.stringMatching(/positions; the model reads/) });
    const input = 'the red boat '.repeat(60);
    const { body } = await postTo(app, '/v1/responses', { input });
    expect(body.error).toMatchObject({ param: 'input' });
  });
});

describe('LLaVA', () => {
  let loaded: Loaded;
  let app: FastifyInstance;
  beforeAll(async () => {
    loaded = await loadModel(llavaFolder, { threads: 2 });
    app = await appOf(loaded);
  });
  afterAll(async () => {
    await app.close();
    await loaded.model.release();
  });

  it('answers about pictures in words', async () => {
    const content = [
      { type: 'image_url', image_url: { url: await dataUrl('red') } },
      { type: 'text', text: 'a dog' },
    ];
    const ask = { messages: [{ role: 'user', content }], max_tokens: 5, seed: 1 };
    const { status, body } = await postTo(app, '/v1/chat/completions', ask);
    expect([status, typeof body.choices[0].message.content]).toEqual([200, 'string']);
    expect(body.usage.completion_tokens).toBeGreaterThan(0);
    const also = await postTo(app, '/v1/chat/completions', { ...ask, modalities: ['image', 'text'] });
    expect(also.body.choices[0].message).toEqual(body.choices[0].message);
  });

  it('says that it does not draw', async () => {
    const ask = { messages: [{ role: 'user', content: 'a dog' }], max_tokens: 2 };
    const chat = await postTo(app, '/v1/chat/completions', { ...ask, modalities: ['image'] });
    expect([chat.status, chat.body.error.param]).toEqual([400, 'modalities']);
    const tools = [{ type: 'image_generation', partial_images: 1 }];
    const forced = await postTo(app, '/v1/responses', { input: 'a dog', tools, tool_choice: 'required' });
    expect([forced.status, forced.body.error.param]).toEqual([400, 'tool_choice']);
    const free = await postTo(app, '/v1/responses', { input: 'a dog', tools, max_output_tokens: 2 });
    expect(free.status).toBe(200);
    const job = await postTo(app, '/v1/jobs', { ...ask, mode: 'chat', draw: 'always' });
    expect([job.status, job.body.error.param]).toEqual([400, 'draw']);
    const capabilities = (await app.inject('/v1/capabilities')).json();
    expect(capabilities).toMatchObject({ image_size: null, dialogue: { sees: true, draws: false } });
    expect((await app.inject('/v1/models')).json().data[0]).toMatchObject({ native_size: null, modes: ['chat'] });
  });
});
