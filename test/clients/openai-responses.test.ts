/** Responses of a model that writes and draws, through the `openai` package. */
import type OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakeChatModel, foxesText } from '../../server/testing/fake-chat-model.ts';
import { fakeModel } from '../../server/testing/fake-model.ts';
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

describe('responses.create', () => {
  const tools: OpenAI.Responses.Tool[] = [{ type: 'image_generation' }];
  const ask = { model: 'chatty', input: 'Show me two foxes.', seed: 5 };
  type Body = OpenAI.Responses.ResponseCreateParamsNonStreaming;

  it('answers with messages and pictures as items', async () => {
    const response = await client.responses.create({ ...ask, tools, instructions: 'Be brief.', metadata: { a: 'b' } });
    expect(response).toMatchObject({
      object: 'response',
      status: 'completed',
      instructions: 'Be brief.',
      metadata: { a: 'b' },
      output_text: foxesText,
      usage: { input_tokens: 7, output_tokens: 5, total_tokens: 12 },
    });
    const kinds = ['message', 'image_generation_call', 'message', 'image_generation_call', 'message'];
    expect(response.output.map(({ type }) => type)).toEqual(kinds);
    const pictures = response.output.filter(item => item.type === 'image_generation_call');
    expect(pictures.map(({ status }) => status)).toEqual(['completed', 'completed']);
    expect(await colourOf(pictures[1]!.result!)).toEqual(drawn(6));
    expect(model.calls.at(-1)).toMatchObject({
      options: { draw: 'auto', seed: 5 },
      messages: [{ role: 'system' }, {}],
    });
  });

  it('streams the events that its clients put together', () => withServer({ pace: 'stepwise' }, streamsEvents));
  async function streamsEvents(own: OpenAI, { advance, calls }: FakeChatModel) {
    const drawing = { type: 'image_generation', partial_images: 2 } as const;
    const stream = own.responses.stream({ ...ask, tools: [drawing] });
    const events: OpenAI.Responses.ResponseStreamEvent[] = [];
    advance(5); // up to the preview
    for await (const event of stream) {
      events.push(event);
      if (event.type === 'response.image_generation_call.partial_image') advance();
    }
    expect(events.map(event => event.sequence_number)).toEqual(events.map((_, index) => index));
    const types = events.map(({ type }) => type.replace('response.', ''));
    expect(types.slice(0, 5)).toEqual([
      'created',
      'in_progress',
      'output_item.added',
      'content_part.added',
      'output_text.delta',
    ]);
    expect(types.at(-1)).toBe('completed');
    const ofPicture = types.filter((_, index) => 'output_index' in events[index]! && events[index].output_index === 1);
    expect(ofPicture).toEqual([
      'output_item.added',
      'image_generation_call.in_progress',
      'image_generation_call.generating',
      'image_generation_call.partial_image',
      'image_generation_call.completed',
      'output_item.done',
    ]);
    const ofWords = types.filter((_, index) => 'output_index' in events[index]! && events[index].output_index === 2);
    expect(ofWords).toEqual([
      'output_item.added',
      'content_part.added',
      'output_text.delta',
      'output_text.delta',
      'output_text.done',
      'content_part.done',
      'output_item.done',
    ]);
    const response = await stream.finalResponse();
    expect(response.output_text).toBe(foxesText);
    const [picture] = response.output.filter(item => item.type === 'image_generation_call');
    expect(await colourOf(picture!.result!)).toEqual(drawn(5));
    expect(calls[0]!.options).toMatchObject({ previewEvery: 1 });
  }

  it('draws only with the tool, and by tool_choice', async () => {
    const drawOf = async (change: Partial<Body>) => {
      await client.responses.create({ ...ask, ...change });
      return model.calls.at(-1)!.options.draw;
    };
    expect(await drawOf({})).toBe('never');
    expect(await drawOf({ tools })).toBe('auto');
    expect(await drawOf({ tools, tool_choice: 'none' })).toBe('never');
    expect(await drawOf({ tools, tool_choice: 'required' })).toBe('always');
    expect(await drawOf({ tools, tool_choice: { type: 'image_generation' } })).toBe('always');
    expect(await drawOf({ tools, tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [] } })).toBe('never');
    const { output } = await client.responses.create(ask);
    expect(output.map(({ type }) => type)).toEqual(['message']);
  });

  it('names tools and fields that it ignores', async () => {
    const search = { type: 'web_search' } as const;
    const { response } = await client.responses
      .create({ ...ask, tools: [search, ...tools], store: false })
      .withResponse();
    expect(response.headers.get('x-ignored-fields')).toBe('store, tools[0]');
  });

  it('reads whole conversations, its own earlier answers too', async () => {
    const first = await client.responses.create({ ...ask, tools });
    const image_url = await dataUrl();
    await client.responses.create({
      ...ask,
      input: [
        { role: 'developer', content: 'Be kind.' },
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'Look:' },
            { type: 'input_image', image_url, detail: 'auto' },
          ],
        },
        ...first.output.filter(({ type }) => type === 'message' || type === 'image_generation_call'),
        { role: 'user', content: 'And now?' },
      ] as OpenAI.Responses.ResponseInput,
      max_output_tokens: 9,
    });
    const { messages, options } = model.calls.at(-1)!;
    expect(options.maxTokens).toBe(9);
    expect(messages.map(({ role, content }) => [role, content.length])).toEqual([
      ['system', 1],
      ['user', 2],
      ['assistant', 5],
      ['user', 1],
    ]);
  });

  it('gives files as the tool asks, and tells that it was cut short', () =>
    withServer({ finishReason: 'length' }, async own => {
      const drawing = { type: 'image_generation', output_format: 'webp', size: '32x32' } as unknown as typeof tools;
      const response = await own.responses.create({ ...ask, tools: [drawing].flat() });
      expect(response).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } });
      const [picture] = response.output.filter(item => item.type === 'image_generation_call');
      expect(await metadata(picture!.result!)).toMatchObject({ format: 'webp', width: 32 });
    }));

  it('tells a fault in the middle of a stream', () =>
    withServer({ script: ['Some ', { fails: new Error('inner secret') }] }, async own => {
      const events: OpenAI.Responses.ResponseStreamEvent[] = [];
      for await (const event of await own.responses.create({ ...ask, stream: true })) events.push(event);
      expect(events.at(-2)).toMatchObject({ type: 'error', code: 'generation_failed' });
      expect(events.at(-1)).toMatchObject({
        type: 'response.failed',
        response: { status: 'failed', error: { code: 'server_error' }, output: [{ type: 'message' }] },
      });
      expect(JSON.stringify(events)).not.toContain('inner secret');
      await expect(own.responses.create(ask)).rejects.toMatchObject({ status: 500 });
    }));

  it('is cancelled by a client that goes away', () =>
    withServer({ pace: 'stepwise' }, async (own, { calls, advance }) => {
      const stream = await own.responses.create({ ...ask, stream: true });
      advance(2);
      for await (const { type } of stream) if (type === 'response.output_text.delta') break;
      await until(() => calls.at(-1)!.options.signal!.aborted);
    }));

  it('refuses what it cannot do, by the name of the field', async () => {
    const user = (content: unknown) => ({ input: [{ role: 'user', content }] });
    const cases: [body: object, param: string][] = [
      [{ previous_response_id: 'resp_1' }, 'previous_response_id'],
      [{ conversation: 'conv_1' }, 'conversation'],
      [{ prompt: { id: 'p' } }, 'prompt'],
      [{ background: true }, 'background'],
      [{ text: { format: { type: 'json_object' } } }, 'text.format.type'],
      [{ tool_choice: 'required' }, 'tool_choice'],
      [{ tool_choice: { type: 'function', name: 'f' } }, 'tool_choice'],
      [{ tools: [{ type: 'image_generation', size: 'large' }] }, 'tools[0].size'],
      [{ tools: [{ type: 'image_generation', input_image_mask: {} }] }, 'tools[0].input_image_mask'],
      [{ tools: [{ type: 'image_generation', partial_images: 9 }] }, 'tools[0].partial_images'],
      [{ max_output_tokens: 0 }, 'max_output_tokens'],
      [{ temperature: 'hot' }, 'temperature'],
      [{ input: 7 }, 'input'],
      [{ input: undefined }, 'input'],
      [{ input: [{ role: 'assistant', content: 'Hello.' }] }, 'input'],
      [{ input: [{ type: 'item_reference', id: 'msg_1' }] }, 'input[0].type'],
      [{ input: [{ type: 'function_call_output', output: 'x' }] }, 'input[0].type'],
      [{ input: [{ role: 'king', content: 'x' }] }, 'input[0].role'],
      [
        {
          input: [
            { type: 'image_generation_call', id: 'ig_1' },
            { role: 'user', content: 'x' },
          ],
        },
        'input[0].result',
      ],
      [user(7), 'input[0].content'],
      [user([{ type: 'input_file', file_id: 'f' }]), 'input[0].content[0].type'],
      [user([{ type: 'input_image', file_id: 'f' }]), 'input[0].content[0].image_url'],
      [user([{ type: 'input_text', text: 7 }]), 'input[0].content[0].text'],
      [user([null]), 'input[0].content[0].type'],
    ];
    const { length } = model.calls;
    for (const [change, param] of cases) {
      const call = client.responses.create({ ...ask, ...change } as Body);
      await expect(call, JSON.stringify(change)).rejects.toMatchObject({ status: 400, param });
    }
    expect(model.calls).toHaveLength(length);
    const drawing = await serve(fakeModel());
    const call = clientOf(drawing).responses.create({ ...ask, model: 'fake' });
    await expect(call).rejects.toMatchObject({ status: 400, param: 'model' });
    await drawing.close();
  });
});
