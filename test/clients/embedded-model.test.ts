/** The `openai` package against the server with the real embedded model: what the routes promise, it does. */
import OpenAI, { toFile } from 'openai';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadModel } from '../../server/load-model.ts';
import type { LoadedModel } from '../../server/types.ts';
import { type RunningServer, serve } from './serve.ts';

let loaded: LoadedModel;
let server: RunningServer;
let client: OpenAI;
/** Few: what is tested is the way, not the picture. */
const steps = 6;

beforeAll(async () => {
  loaded = await loadModel('emoji', {});
  server = await serve(loaded);
  client = new OpenAI({ baseURL: `${server.origin}/v1`, apiKey: 'any' });
});
afterAll(async () => {
  await server.close();
  await loaded.model?.release();
});

async function pixels(base64: string | undefined) {
  return sharp(Buffer.from(base64 ?? '', 'base64'))
    .removeAlpha()
    .raw()
    .toBuffer();
}

describe('the embedded model', () => {
  it('draws the same picture for the same seed, streams truly different previews, and describes what it drew', async () => {
    const body = { prompt: 'an apple', seed: 1, steps } as OpenAI.ImageGenerateParamsNonStreaming;
    const { data } = await client.images.generate(body);
    const streamed = await client.images.generate({ ...body, stream: true, partial_images: 2 });
    const pictures: Buffer[] = [];
    const types: string[] = [];
    for await (const { type, b64_json } of streamed) {
      types.push(type);
      pictures.push(await pixels(b64_json));
    }
    expect(types.map(type => type.split('.')[1])).toEqual(['partial_image', 'partial_image', 'completed']);
    const [first, second, last] = pictures;
    expect(first?.equals(second!) || second?.equals(last!)).toBe(false);
    expect(last?.equals(await pixels(data?.[0]?.b64_json))).toBe(true);

    const url = `data:image/png;base64,${data?.[0]?.b64_json}`;
    const content = [{ type: 'image_url' as const, image_url: { url } }];
    const chat = { model: 'emoji', messages: [{ role: 'user' as const, content }], steps };
    const { choices } = await client.chat.completions.create(chat);
    expect(choices[0]?.message.content).toMatch(/\w+/);
  });

  it('keeps what a mask does not open, and varies', async () => {
    const side = loaded.info.imageSize!;
    const red = { create: { width: side, height: side, channels: 4 as const, background: 'red' } };
    const picture = await sharp(red).png().toBuffer();
    const hole = { create: { width: side / 2, height: side, channels: 4 as const, background: 'black' } };
    const mask = await sharp(red)
      .composite([{ input: hole, left: side / 2, top: 0, blend: 'dest-out' }])
      .png()
      .toBuffer();
    const image = await toFile(picture, 'picture.png', { type: 'image/png' });
    const body = {
      image,
      mask: await toFile(mask, 'mask.png', { type: 'image/png' }),
      prompt: 'an apple',
      seed: 1,
      steps,
    };
    const edited = await client.images.edit(body as OpenAI.ImageEditParamsNonStreaming);
    const data = await pixels(edited.data?.[0]?.b64_json);
    const left = Array.from({ length: side / 2 }, (_, x) => [...data.subarray(x * 3, x * 3 + 3)]);
    expect(left).toEqual(left.map(() => [255, 0, 0]));

    const varied = await client.images.createVariation({ image, seed: 1, steps } as OpenAI.ImageCreateVariationParams);
    expect(await sharp(Buffer.from(varied.data?.[0]?.b64_json ?? '', 'base64')).metadata()).toMatchObject({
      width: side,
    });
  });
});
