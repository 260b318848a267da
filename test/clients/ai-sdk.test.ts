/** The Vercel AI SDK with `@ai-sdk/openai-compatible`, unmodified, against the server with a stand-in model. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, generateImage, generateText, streamText } from 'ai';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakeModel, fakeCaption, fakeModel } from '../../server/testing/fake-model.ts';
import { png, type RunningServer, serve } from './serve.ts';

let model: FakeModel;
let server: RunningServer;
const provider = () => createOpenAICompatible({ name: 'duet', baseURL: `${server.origin}/v1`, apiKey: 'any' });

beforeAll(async () => {
  model = fakeModel();
  server = await serve(model);
});
afterAll(() => server.close());

describe('generateImage', () => {
  it('draws, with our options passed through', async () => {
    const { images } = await generateImage({
      model: provider().imageModel('fake'),
      prompt: 'an apple',
      n: 2,
      size: '512x512',
      providerOptions: { duet: { seed: 11, num_inference_steps: 3 } },
    });
    expect(images).toHaveLength(2);
    expect(await sharp(images[0]!.uint8Array).metadata()).toMatchObject({ format: 'png', width: 512 });
    expect(model.calls.at(-1)).toMatchObject({ mode: 't2i', options: { n: 2, seed: 11, steps: 3 } });
  });

  it('edits a picture with a mask', async () => {
    const prompt = { text: 'an apple', images: [await png(16, 'red')], mask: await png(16, 'black', true) };
    const { images } = await generateImage({ model: provider().imageModel('fake'), prompt, n: 1 });
    expect(images).toHaveLength(1);
    expect(model.calls.at(-1)).toMatchObject({ mode: 'inpaint', inputs: [{ caption: 'an apple' }] });
  });

  it('edits a whole picture without a mask, and says that two are too many', async () => {
    const picture = await png(16, 'red');
    const edit = (images: Buffer[]) =>
      generateImage({ model: provider().imageModel('fake'), prompt: { text: 'an apple', images }, n: 1 });
    expect((await edit([picture])).images).toHaveLength(1);
    expect(model.calls.at(-1)).toMatchObject({ mode: 'i2t2i', options: { caption: 'an apple' } });
    const message = expect.stringContaining('takes one picture, got 2');
    await expect(edit([picture, picture])).rejects.toMatchObject({ statusCode: 400, message });
  });

  it('tells what was wrong', async () => {
    const call = generateImage({ model: provider().imageModel('other'), prompt: 'an apple' });
    const error = await call.catch((thrown: unknown) => thrown);
    expect(APICallError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({ statusCode: 404, isRetryable: false, message: expect.stringContaining("'other'") });
  });
});

describe('generateText and streamText', () => {
  const messages = async () => [
    {
      role: 'user' as const,
      content: [
        { type: 'text' as const, text: 'What is this?' },
        { type: 'image' as const, image: await png(16, 'red') },
      ],
    },
  ];

  it('caption a picture', async () => {
    const { text, finishReason, usage } = await generateText({
      model: provider()('fake'),
      messages: await messages(),
      seed: 21,
    });
    expect(text).toBe(fakeCaption(21));
    expect(finishReason).toBe('stop');
    expect(usage.outputTokens).toBe(8);
  });

  it('stream the caption', async () => {
    const { textStream } = streamText({ model: provider()('fake'), messages: await messages(), seed: 22 });
    let text = '';
    for await (const delta of textStream) text += delta;
    expect(text).toBe(fakeCaption(22));
  });
});
