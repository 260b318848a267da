/**
 * Dialogues through the Vercel AI SDK with `@ai-sdk/openai-compatible`. That provider knows words alone in answers: pictures reach
 * those who ask for raw chunks, or for what it calls an image model.
 */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { streamText } from 'ai';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FakeChatModel, fakeChatModel, foxesText } from '../../server/testing/fake-chat-model.ts';
import { png, type RunningServer, serve } from './serve.ts';

let model: FakeChatModel;
let server: RunningServer;

beforeAll(async () => {
  model = fakeChatModel();
  server = await serve(model);
});
afterAll(() => server.close());

const chatty = () => createOpenAICompatible({ name: 'duet', baseURL: `${server.origin}/v1`, apiKey: 'any' })('chatty');

it('streamText gives words, and pictures in raw chunks', async () => {
  const messages = [
    {
      role: 'user' as const,
      content: [
        { type: 'file' as const, data: await png(16, 'red'), mediaType: 'image/png' },
        { type: 'text' as const, text: 'Show me two like it.' },
      ],
    },
  ];
  const { fullStream, files } = streamText({
    model: chatty(),
    system: 'Be brief.',
    messages,
    seed: 3,
    temperature: 0.5,
    maxOutputTokens: 30,
    stopSequences: ['END'],
    includeRawChunks: true,
  });
  const words: string[] = [];
  const pictures: string[] = [];
  for await (const part of fullStream) {
    if (part.type === 'text-delta') words.push(part.text);
    if (part.type !== 'raw') continue;
    const { choices } = part.rawValue as { choices: { delta: { images?: { image_url: { url: string } }[] } }[] };
    pictures.push(...choices.flatMap(({ delta }) => delta.images?.map(({ image_url }) => image_url.url) ?? []));
  }
  expect(words.join('')).toBe(foxesText);
  expect(pictures.map(url => url.slice(0, 22))).toEqual(['data:image/png;base64,', 'data:image/png;base64,']);
  expect(await files).toEqual([]);
  const [{ messages: given, options } = expect.unreachable()] = model.calls;
  expect(given.map(({ role }) => role)).toEqual(['system', 'user']);
  expect(given[1]!.content).toMatchObject([{ type: 'image' }, { type: 'text', text: 'Show me two like it.' }]);
  expect(options).toMatchObject({ seed: 3, temperature: 0.5, maxTokens: 30, stop: ['END'] });
});
