/** What no client library shows: heartbeats on a quiet stream, and a form without a length. */
import { afterEach, expect, it, vi } from 'vitest';
import { fakeModel } from '../../server/testing/fake-model.ts';
import { png, serve } from './serve.ts';

afterEach(() => {
  vi.useRealTimers();
});

it('a stream on which nothing happens carries comments', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const model = fakeModel({ pace: 'stepwise' });
  const server = await serve(model);
  const body = JSON.stringify({ mode: 't2i', prompt: 'an apple' });
  const headers = { 'content-type': 'application/json' };
  const { id } = (await (await fetch(`${server.origin}/v1/jobs`, { method: 'POST', headers, body })).json()) as {
    id: string;
  };
  const disconnected = new AbortController();
  const answer = await fetch(`${server.origin}/v1/jobs/${id}/events`, {
    headers: { accept: 'text/event-stream' },
    signal: disconnected.signal,
  });
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (!text.includes('event: started')) text += (await reader.read()).value ?? '';
  vi.advanceTimersByTime(60_000);
  while (!/^: ?heartbeat$/m.test(text)) text += (await reader.read()).value ?? '';
  disconnected.abort();
  model.advance();
  await server.close();
});

it('a form may come in chunks, without a length', async () => {
  const server = await serve(fakeModel());
  const form = new FormData();
  form.set('mode', 'i2t');
  form.set('image', new Blob([new Uint8Array(await png(16, 'red'))]), 'red.png');
  const whole = new Response(form);
  const bytes = new Uint8Array(await whole.clone().arrayBuffer());
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(bytes.slice(sent, sent + 50));
      sent += 50;
      if (sent >= bytes.length) controller.close();
    },
  });
  const headers = { 'content-type': whole.headers.get('content-type')! };
  const init: RequestInit & { duplex: 'half' } = { method: 'POST', headers, body, duplex: 'half' };
  const answer = await fetch(`${server.origin}/v1/jobs`, init);
  expect([answer.status, await answer.json()]).toMatchObject([202, { id: expect.any(String) }]);
  await server.close();
});
