/** Errors as the `openai` package tells them, and clients that hang up. */
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeModel } from '../../server/testing/fake-model.ts';
import { clientOf, serveOpenAi } from './openai-client.ts';
import { type RunningServer, serve } from './serve.ts';

let server: RunningServer;
let client: OpenAI;

beforeAll(async () => {
  ({ server, client } = await serveOpenAi());
});
afterAll(() => server.close());

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
