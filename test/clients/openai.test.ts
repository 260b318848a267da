/** The `openai` package, unmodified, against the server with a stand-in model. */
import OpenAI, { toFile } from 'openai';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultEditStrength } from '../../server/schemas/openai.ts';
import { type FakeModel, fakeCaption, fakeModel } from '../../server/testing/fake-model.ts';
import { png, type RunningServer, serve } from './serve.ts';

let model: FakeModel;
let server: RunningServer;
let client: OpenAI;

beforeAll(async () => {
  model = fakeModel();
  server = await serve(model);
  client = clientOf(server);
});
afterAll(() => server.close());

function clientOf({ origin }: RunningServer, options: { apiKey?: string; maxRetries?: number } = {}): OpenAI {
  return new OpenAI({ baseURL: `${origin}/v1`, apiKey: 'any', ...options });
}

async function metadata(base64: string | undefined) {
  return sharp(Buffer.from(base64 ?? '', 'base64')).metadata();
}

describe('models', () => {
  it('lists and gets', async () => {
    const { data } = await client.models.list();
    expect(data).toMatchObject([{ id: 'fake', object: 'model', owned_by: 'local' }]);
    expect(await client.models.retrieve('fake')).toMatchObject({ id: 'fake' });
    await expect(client.models.retrieve('other/model')).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });
});

describe('images.generate', () => {
  it('draws in the size, number and format asked for, and tells seeds', async () => {
    const body = { prompt: 'an apple', n: 2, size: '1024x1024', output_format: 'webp', seed: 7 } as const;
    const { data, created, usage, ...rest } = await client.images.generate(
      body as OpenAI.ImageGenerateParamsNonStreaming,
    );
    expect(rest).toMatchObject({ size: '1024x1024', output_format: 'webp', native_size: '16x16' });
    expect(created).toBeGreaterThan(1_700_000_000);
    expect(usage?.input_tokens).toBe(4); // of the fake model: two a word
    expect(data?.map(image => (image as { seed?: number }).seed)).toEqual([7, 8]);
    expect(await metadata(data?.[1]?.b64_json)).toMatchObject({ format: 'webp', width: 1024, height: 1024 });
    expect(model.calls.at(-1)).toMatchObject({ mode: 't2i', inputs: ['an apple'], options: { n: 2, seed: 7 } });
  });

  it('draws the model’s own size by default and keeps odd shapes unstretched', async () => {
    const plain = await client.images.generate({ prompt: 'an apple' });
    expect(await metadata(plain.data?.[0]?.b64_json)).toMatchObject({ format: 'png', width: 16, height: 16 });
    const wide = await client.images.generate({ prompt: 'an apple', size: '1536x1024' });
    expect(await metadata(wide.data?.[0]?.b64_json)).toMatchObject({ width: 1536, height: 1024 });
  });

  it('names the scheduler that ran', async () => {
    for (const [scheduler, ran] of [
      ['Euler a', 'euler-ancestral'],
      ['k_heun', 'heun'],
      ['DPM++ 2M SDE Karras', 'dpm-multistep-sde'],
      ['LMS', 'dpm-multistep'],
      ['karras', 'dpm-multistep'],
    ] as const) {
      const body = { prompt: 'an apple', scheduler } as OpenAI.ImageGenerateParamsNonStreaming;
      expect(await client.images.generate(body)).toMatchObject({ scheduler: ran });
    }
  });

  it('tells which fields were ignored', async () => {
    const body = { prompt: 'an apple', quality: 'high', style: 'vivid', steps: 2, stop: null, 'x\u0416"': 1 };
    const ignored = async (fields: object) => {
      const call = client.images.generate({ ...body, ...fields } as OpenAI.ImageGenerateParamsNonStreaming);
      return (await call.asResponse()).headers.get('x-ignored-fields');
    };
    expect(await ignored({})).toBe('quality, style, x??');
    expect(await ignored({ stream: true })).toBe('quality, style, x??');
    expect((await ignored(Object.fromEntries(Array.from({ length: 900 }, (_, i) => [`f${i}`, 1]))))?.length).toBe(1003);
  });

  it('gives URLs that serve the picture', async () => {
    const body = { prompt: 'an apple', response_format: 'url', size: '256x256', output_format: 'jpeg' } as const;
    const { data } = await client.images.generate(body);
    const response = await fetch(data?.[0]?.url ?? '', { headers: { authorization: 'Bearer any' } });
    expect(response.headers.get('content-type')).toBe('image/jpeg');
    const picture = sharp(Buffer.from(await response.arrayBuffer()));
    expect(await picture.metadata()).toMatchObject({ format: 'jpeg', width: 256 });
  });

  it('streams previews, then the picture', async () => {
    const body = { prompt: 'an apple', stream: true, partial_images: 1, size: '512x512', seed: 3 } as const;
    const stream = await client.images.generate(body as OpenAI.ImageGenerateParamsStreaming);
    const events = [];
    for await (const event of stream) events.push(event);
    expect(events.map(({ type }) => type)).toEqual(['image_generation.partial_image', 'image_generation.completed']);
    expect(events[0]).toMatchObject({ partial_image_index: 0, size: '512x512' });
    expect(events[1]).toMatchObject({ seed: 3, usage: { input_tokens: 4 } });
    for (const { b64_json } of events) expect(await metadata(b64_json)).toMatchObject({ width: 512 });
  });

  it('draws without a prompt where the mode says so, with a caption in joint mode', async () => {
    const body = { prompt: '', mode: 'joint', seed: 5 } as OpenAI.ImageGenerateParamsNonStreaming;
    const { data } = await client.images.generate(body);
    expect(data?.[0]).toMatchObject({ revised_prompt: fakeCaption(5), text: fakeCaption(5) });
  });
});

describe('images.edit and createVariation', () => {
  it('tell how familiar the picture given looks, where the model measures that', async () => {
    const far = await serve(fakeModel({ seen: { familiarity: 4.5, isFamiliar: false } }));
    const image = await toFile(await png(16, 'red'), 'red.png');
    const seen = { familiarity: 4.5, is_familiar: false };
    expect(await clientOf(far).images.createVariation({ image })).toMatchObject(seen);
    const stream = await clientOf(far).images.edit({ image, prompt: 'an apple', stream: true });
    const events: object[] = [];
    for await (const event of stream) events.push(event);
    expect(events.at(-1)).toMatchObject(seen);
    await far.close();
  });

  it('paints where the mask is transparent', async () => {
    const image = await toFile(await png(16, 'red'), 'picture.png', { type: 'image/png' });
    const mask = await toFile(await png(16, 'black', true), 'mask.png', { type: 'image/png' });
    const { data } = await client.images.edit({ image, mask, prompt: 'an apple', n: 2, size: '256x256' });
    expect(data).toHaveLength(2);
    const call = model.calls.at(-1);
    expect(call).toMatchObject({ mode: 'inpaint', options: { n: 2 }, inputs: [{ caption: 'an apple' }] });
  });

  it('takes image[] of one and the picture’s own transparency, and streams', async () => {
    const image = await toFile(await png(16, 'red', true), 'picture.png', { type: 'image/png' });
    const stream = await client.images.edit({ image: [image], prompt: 'an apple', stream: true, partial_images: 0 });
    const types = [];
    for await (const { type } of stream) types.push(type);
    expect(types).toEqual(['image_edit.completed']);
  });

  it('edits the whole picture where there is no mask, by file, list and form of the JSON variant', async () => {
    const bytes = await png(16, 'red');
    const image = await toFile(bytes, 'picture.png', { type: 'image/png' });
    const image_url = `data:image/png;base64,${bytes.toString('base64')}`;
    const ways = [{ image }, { image: [image] }, { images: [{ image_url }] }, { images: [image_url] }];
    for (const given of ways) {
      const body = { ...given, prompt: 'an apple', seed: 4 } as unknown as OpenAI.ImageEditParamsNonStreaming;
      const { data } = await client.images.edit(body);
      expect(data).toHaveLength(1);
      const options = { strength: defaultEditStrength, caption: 'an apple', seed: 4 };
      expect(model.calls.at(-1)).toMatchObject({ mode: 'i2t2i', inputs: [new Uint8Array(bytes)], options });
    }
    await client.images.edit({ image, prompt: 'an apple', strength: 0.3 } as OpenAI.ImageEditParamsNonStreaming);
    expect(model.calls.at(-1)?.options).toMatchObject({ strength: 0.3 });
  });

  it('reads the JSON variant', async () => {
    const image_url = `data:image/png;base64,${(await png(16, 'red')).toString('base64')}`;
    const mask = { image_url: `data:image/png;base64,${(await png(16, 'black', true)).toString('base64')}` };
    const edit = (body: object) => client.post<OpenAI.ImagesResponse>('/images/edits', { body });
    for (const images of [[{ image_url }], [image_url], { image_url }, [{ image_url: { url: image_url } }]]) {
      expect((await edit({ images, mask, prompt: 'an apple' })).data).toHaveLength(1);
      expect(model.calls.at(-1)).toMatchObject({ mode: 'inpaint', inputs: [{ caption: 'an apple' }] });
      await edit({ images, prompt: 'an apple' });
      expect(model.calls.at(-1)?.mode).toBe('i2t2i');
      await client.post('/images/variations', { body: { images, strength: 0.4 } });
      expect(model.calls.at(-1)).toMatchObject({ mode: 'i2t2i', options: { strength: 0.4 } });
    }
    for (const [body, param, message] of [
      [{ images: [{ image_url }, { image_url }] }, 'images', /one picture, got 2/],
      [{ image: image_url, images: [{ image_url }] }, 'images', /one picture, got 2/],
      [{ images: [{ file_id: 'file-abc' }] }, 'images', /no files are kept here/],
      [{ images: [image_url], mask: { file_id: 'file-abc' } }, 'mask', /no files are kept here/],
      [{ images: [{ image: 'x' }] }, 'images', /image_url/],
      [{ images: [{ image_url: 'data:image/png;base64,AAAA' }] }, 'images', /not a picture/],
      [{ images: [] }, 'image', /Missing/],
    ] as const) {
      for (const path of ['/images/edits', ...('mask' in body ? [] : ['/images/variations'])]) {
        const call = client.post(path, { body: { prompt: 'an apple', ...body } });
        await expect(call).rejects.toMatchObject({ status: 400, param, message: expect.stringMatching(message) });
      }
    }
  });

  it('says which pictures are too many, and what an edit needs', async () => {
    const image = await toFile(await png(16, 'red'), 'picture.png', { type: 'image/png' });
    const two = client.images.edit({ image: [image, image], prompt: 'an apple' });
    const message = expect.stringContaining("'image' takes one picture, got 2");
    await expect(two).rejects.toMatchObject({ status: 400, code: 'unsupported_value', param: 'image', message });
    const edit = client.images.edit({ image, prompt: '' });
    await expect(edit).rejects.toMatchObject({ status: 400, code: 'missing_required_parameter', param: 'prompt' });
  });

  it('varies', async () => {
    const image = await toFile(await png(16, 'red'), 'picture.png', { type: 'image/png' });
    const { data } = await client.images.createVariation({ image, n: 2, response_format: 'b64_json', size: '256x256' });
    expect(data).toHaveLength(2);
    expect(model.calls.at(-1)).toMatchObject({ mode: 'i2t2i', options: { n: 2 } });
  });
});

describe('chat.completions.create', () => {
  const withPicture = async (text: string) => {
    const url = `data:image/png;base64,${(await png(16, 'red')).toString('base64')}`;
    const content = [
      { type: 'text' as const, text },
      { type: 'image_url' as const, image_url: { url } },
    ];
    return [{ role: 'user' as const, content }];
  };

  it('captions a picture', async () => {
    const messages = await withPicture('What is this?');
    const answer = await client.chat.completions.create({ model: 'fake', messages, n: 2, seed: 9 });
    expect(answer.choices.map(({ message }) => message.content)).toEqual([fakeCaption(9), fakeCaption(10)]);
    expect(answer.choices[0]?.finish_reason).toBe('stop');
    expect(answer.usage).toMatchObject({ prompt_tokens: 6, completion_tokens: 16, total_tokens: 22 });
  });

  it('refuses several pictures in one message, rather than to guess which is meant', async () => {
    const [message] = await withPicture('Compare.');
    const content = [...message!.content, message!.content[1]!];
    const call = client.chat.completions.create({ model: 'fake', messages: [{ role: 'user', content }] });
    const said = expect.stringContaining('takes one picture, got 2');
    await expect(call).rejects.toMatchObject({ status: 400, param: 'messages', message: said });
  });

  it('tells that a picture looks unlike what the model knows, at once and in a stream', async () => {
    const unlike = await serve(fakeModel({ seen: { familiarity: 4.5, isFamiliar: false } }));
    const own = new OpenAI({ baseURL: `${unlike.origin}/v1`, apiKey: 'none', maxRetries: 0 });
    const body = { model: 'fake', messages: await withPicture('What is this?'), seed: 9 };
    const told = { familiarity: 4.5, is_familiar: false };
    expect(await own.chat.completions.create(body)).toMatchObject(told);
    const chunks = [];
    for await (const chunk of await own.chat.completions.create({ ...body, stream: true })) chunks.push(chunk);
    expect(chunks.at(-1)).toMatchObject({ choices: [{ finish_reason: 'stop' }], ...told });
    await unlike.close();
    expect(await client.chat.completions.create(body)).not.toHaveProperty('is_familiar');
  });

  it('remembers the picture of an earlier message', async () => {
    const messages = [...(await withPicture('')), { role: 'user' as const, content: 'And now?' }];
    const answer = await client.chat.completions.create({ model: 'fake', messages, seed: 9 });
    expect(answer.choices[0]?.message.content).toBe(fakeCaption(9));
  });

  it('streams a caption with usage', async () => {
    const messages = await withPicture('What is this?');
    const body = { model: 'fake', messages, seed: 9, stream: true, stream_options: { include_usage: true } } as const;
    const chunks = [];
    for await (const chunk of await client.chat.completions.create({ ...body, messages })) chunks.push(chunk);
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(fakeCaption(9));
    expect(chunks[0]?.choices[0]?.delta).toEqual({ role: 'assistant', content: '' });
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop');
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 8 } });
  });

  it('draws where pictures are asked for, and says what it can where they are not', async () => {
    const messages = [{ role: 'user' as const, content: 'an apple' }];
    const body = { model: 'fake', messages, modalities: ['image', 'text'] } as unknown as typeof plain;
    const plain = { model: 'fake', messages };
    const drawn = await client.chat.completions.create(body);
    const message = drawn.choices[0]?.message as unknown as { images: { image_url: { url: string } }[] } | undefined;
    expect(await metadata(message?.images[0]?.image_url.url.split(',')[1])).toMatchObject({ format: 'png', width: 16 });
    expect(drawn.choices[0]?.message.content).toBeNull();
    const said = await client.chat.completions.create(plain);
    expect(said.choices[0]?.message.content).toMatch(/caption.*draw/s);
  });
});

describe('errors', () => {
  it.each([
    [
      { prompt: 'an apple', size: '1024x' },
      { param: 'size', code: 'invalid_value' },
    ],
    [
      { prompt: 'an apple', n: 17 },
      { param: 'n', code: 'invalid_value' },
    ],
    [
      { prompt: 'an apple', n: 1.5 },
      { param: 'n', code: 'invalid_value' },
    ],
    [
      { prompt: 'an apple', scheduler: 'magic' },
      { param: 'scheduler', code: 'unsupported_value' },
    ],
    [{ prompt: '  ' }, { param: 'prompt', code: 'missing_required_parameter' }],
    [{ prompt: ['an apple'] }, { param: 'prompt', code: 'invalid_value' }],
  ])('400 for %j', async (body, expected) => {
    const call = client.images.generate(body as OpenAI.ImageGenerateParamsNonStreaming);
    const error = await call.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect(error).toMatchObject({ type: 'invalid_request_error', ...expected });
    expect((error as InstanceType<typeof OpenAI.APIError>).requestID).toBeTruthy();
  });

  it('404 for models and addresses that do not exist', async () => {
    const unknown = client.images.generate({ prompt: 'an apple', model: 'other' });
    await expect(unknown).rejects.toMatchObject({ status: 404, code: 'model_not_found', param: 'model' });
    const address = client.post('/embeddings', { body: {} });
    await expect(address).rejects.toMatchObject({ status: 404, code: 'unknown_url' });
  });

  it('413 and 415 in the same shape', async () => {
    const small = await serve(fakeModel(), { maxBodyBytes: 2048 });
    const large = clientOf(small).images.generate({ prompt: 'x'.repeat(5000) });
    await expect(large).rejects.toMatchObject({ status: 413, code: 'request_too_large' });
    const strange = await fetch(`${small.origin}/v1/images/generations`, {
      method: 'POST',
      headers: { 'content-type': 'application/xml' },
      body: '<a/>',
    });
    expect(strange.status).toBe(415);
    expect(await strange.json()).toMatchObject({ error: { code: 'unsupported_media_type', param: null } });
    await small.close();
  });

  it('401 without the key', async () => {
    const locked = await serve(fakeModel(), { apiKeys: ['secret'] });
    const error = await clientOf(locked)
      .models.list()
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OpenAI.AuthenticationError);
    expect(error).toMatchObject({ code: 'invalid_api_key' });
    expect((await clientOf(locked, { apiKey: 'secret' }).models.list()).data).toHaveLength(1);
    await locked.close();
  });

  it('403 for pages of other origins', async () => {
    const page = new OpenAI({
      baseURL: `${server.origin}/v1`,
      apiKey: 'any',
      defaultHeaders: { origin: 'https://evil.example' },
    });
    const error = await page.models.list().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OpenAI.PermissionDeniedError);
    expect(error).toMatchObject({ type: 'permission_error' });
  });

  it('429 for too many requests a minute, 503 when the server stops', async () => {
    const strict = await serve(fakeModel(), { rateLimit: 1 });
    const hasty = clientOf(strict, { maxRetries: 0 });
    await hasty.models.list();
    const limited = await hasty.models.list().catch((thrown: unknown) => thrown);
    expect(limited).toMatchObject({ status: 429, code: 'rate_limit_exceeded', type: 'rate_limit_error' });
    expect(Number((limited as InstanceType<typeof OpenAI.APIError>).headers?.get('retry-after'))).toBeGreaterThan(0);
    await strict.close();
    const ending = await serve(fakeModel());
    await ending.app.drain(0);
    const refused = clientOf(ending, { maxRetries: 0 }).images.generate({ prompt: 'an apple' });
    await expect(refused).rejects.toMatchObject({ status: 503, code: 'shutting_down', type: 'server_error' });
    await ending.close();
  });

  it('429 with retry-after when the queue is full', async () => {
    const slow = fakeModel({ pace: 'stepwise' });
    const busy = await serve(slow, { maxRunning: 1, maxQueue: 0 });
    const patient = clientOf(busy, { maxRetries: 0 });
    const first = patient.images.generate({ prompt: 'an apple' });
    while (slow.calls.length === 0) await new Promise(resolve => setTimeout(resolve, 5));
    const error = await patient.images.generate({ prompt: 'a pear' }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OpenAI.RateLimitError);
    expect(error).toMatchObject({ code: 'queue_full' });
    expect(Number((error as InstanceType<typeof OpenAI.APIError>).headers?.get('retry-after'))).toBeGreaterThan(0);
    slow.advance();
    expect((await first).data).toHaveLength(1);
    await busy.close();
  });

  it('500 once, and never again by itself', async () => {
    const broken = fakeModel({ failure: new Error('inner secret') });
    const failing = await serve(broken);
    const error = await clientOf(failing)
      .images.generate({ prompt: 'an apple' })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OpenAI.InternalServerError);
    expect(error).toMatchObject({ code: 'generation_failed', type: 'server_error' });
    expect(String(error)).not.toContain('inner secret');
    expect(broken.calls).toHaveLength(1);
    const stream = await clientOf(failing).images.generate({ prompt: 'an apple', stream: true });
    const read = async () => {
      for await (const _ of stream);
    };
    await expect(read()).rejects.toBeInstanceOf(OpenAI.APIError);
    await failing.close();
  });

  it('cancels the job of a client that hangs up', async () => {
    const slow = fakeModel({ pace: 'stepwise' });
    const patient = await serve(slow);
    for (const stream of [false, true]) {
      const { length } = slow.calls;
      const controller = new AbortController();
      const call = clientOf(patient).images.generate({ prompt: 'an apple', stream }, { signal: controller.signal });
      const settled = call.then(
        () => {},
        () => {},
      );
      while (slow.calls.length === length) await new Promise(resolve => setTimeout(resolve, 5));
      controller.abort();
      await settled;
      const { signal } = slow.calls.at(-1)!.options;
      while (!signal?.aborted) await new Promise(resolve => setTimeout(resolve, 5));
    }
    await patient.close();
  });
});
