/** Models and chat through the `openai` package. */
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeCaption, fakeModel } from '../../server/testing/fake-model.ts';
import { clientOf, metadata, serveOpenAi } from './openai-client.ts';
import { png, type RunningServer, serve } from './serve.ts';

let server: RunningServer;
let client: OpenAI;

beforeAll(async () => {
  ({ server, client } = await serveOpenAi());
});
afterAll(() => server.close());

describe('models', () => {
  it('lists and gets', async () => {
    const { data } = await client.models.list();
    expect(data).toMatchObject([{ id: 'fake', object: 'model', owned_by: 'local' }]);
    expect(await client.models.retrieve('fake')).toMatchObject({ id: 'fake' });
    await expect(client.models.retrieve('other/model')).rejects.toBeInstanceOf(OpenAI.NotFoundError);
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
    const own = clientOf(unlike, { maxRetries: 0 });
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
