/** Pictures through the `openai` package: drawn, edited, varied. */
import type OpenAI from 'openai';
import { toFile } from 'openai';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultEditStrength } from '../../server/schemas/openai.ts';
import { type FakeModel, fakeCaption, fakeModel } from '../../server/testing/fake-model.ts';
import { clientOf, metadata, serveOpenAi } from './openai-client.ts';
import { png, type RunningServer, serve } from './serve.ts';

let model: FakeModel;
let server: RunningServer;
let client: OpenAI;

beforeAll(async () => {
  ({ model, server, client } = await serveOpenAi());
});
afterAll(() => server.close());

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
