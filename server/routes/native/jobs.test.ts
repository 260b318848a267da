/** The native routes: jobs from being asked for to being removed. */
import { describe, expect, it } from 'vitest';
import { readParameters } from '../../../src/image/index.ts';
import { drawing, post, redPng, startApp, submit } from '../../testing/test-app.ts';

describe('jobs', () => {
  it('are accepted, followed and shown with their files', async () => {
    const { app } = await startApp();
    const { id, urls } = await submit(app, { ...drawing, n: 2, preview_every: 2, negative_prompt: 'a pear' });
    const events = await app.inject({ url: urls.events });
    expect(events.headers['content-type']).toContain('text/event-stream');
    expect(events.body).toContain('event: completed');
    const job = (await app.inject({ url: urls.get })).json();
    expect(job).toMatchObject({ id, status: 'succeeded', mode: 't2i', request: { prompt: 'an apple', seed: 7, n: 2 } });
    expect(job.request.negative_prompt).toBe('a pear');
    expect(job.result.samples).toHaveLength(2);
    const file = await app.inject({ url: job.result.samples[1].url });
    expect(file.headers['content-type']).toBe('image/png');
    expect(readParameters(file.rawPayload)?.parameters).toMatchObject({
      mode: 't2i',
      model: 'fake',
      prompt: 'an apple',
      negativePrompt: 'a pear',
      seed: 8,
      steps: 4,
      guidance: 3,
      solver: 'dpm-multistep',
    });
    expect((await app.inject({ url: `/v1/jobs/${id}/files/9.png` })).statusCode).toBe(404);
    expect((await app.inject({ method: 'DELETE', url: urls.get })).statusCode).toBe(204);
    expect((await app.inject({ url: urls.get })).json()).toMatchObject({ error: { code: 'not_found' } });
  });

  it('have favourites, and pictures that are deleted one by one', async () => {
    const { app } = await startApp();
    const { urls } = await submit(app, { ...drawing, n: 2 });
    await app.inject({ url: urls.events });
    const sample = (index: number | string) => `${urls.get}/samples/${index}`;
    const mark = (url: string, payload: object) => app.inject({ method: 'PATCH', url, payload });
    const samples = async () => (await app.inject({ url: urls.get })).json().result.samples;
    const marked = await mark(sample(1), { favourite: true });
    expect(marked.json().result.samples).toMatchObject([{ seed: 7 }, { seed: 8, favourite: true }]);
    expect((await samples())[0]).not.toHaveProperty('favourite');
    const url = (await samples())[0].url;
    expect((await app.inject({ method: 'DELETE', url: sample(0) })).statusCode).toBe(204);
    expect(await samples()).toMatchObject([
      { seed: 7, removed: true },
      { seed: 8, favourite: true },
    ]);
    expect((await samples())[0]).not.toHaveProperty('url');
    expect((await app.inject({ url })).statusCode).toBe(404);
    await mark(sample(1), { favourite: false });
    expect((await samples())[1]).not.toHaveProperty('favourite');
    for (const wrong of [2, -1, 'x', '0.5']) {
      expect((await app.inject({ method: 'DELETE', url: sample(wrong) })).statusCode).toBe(wrong === 2 ? 404 : 400);
    }
    for (const wrong of [{}, { favourite: 'perhaps' }, { favourite: true, star: 1 }]) {
      expect((await mark(sample(1), wrong)).statusCode).toBe(400);
    }
  });

  it('replay their events after the last one that was seen', async () => {
    const { app } = await startApp();
    const { urls } = await submit(app);
    const all = (await app.inject({ url: urls.events })).body;
    const ids = [...all.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
    const last = ids.at(-1)!;
    const headers = { 'last-event-id': String(last - 1) };
    expect((await app.inject({ url: urls.events, headers })).body).toMatch(
      new RegExp(`^id: ${last}\\nevent: completed`),
    );
    const seen = await app.inject({ url: urls.events, headers: { 'last-event-id': String(last) } });
    expect([seen.statusCode, seen.body]).toEqual([200, '']);
    expect((await app.inject({ url: urls.events, headers: { 'last-event-id': 'x' } })).body).toContain('completed');
  });

  it('take pictures as files of a form, base64 and data URLs', async () => {
    const { app, model } = await startApp();
    const png = await redPng();
    const form = new FormData();
    form.set('mode', 'inpaint');
    form.set('seed', '3');
    form.set('image', new File([new Uint8Array(png)], 'a.png', { type: 'image/png' }));
    form.set('mask', new File([new Uint8Array(png)], 'm.png', { type: 'image/png' }));
    const response = await app.inject({ method: 'POST', url: '/v1/jobs', payload: form });
    expect(response.statusCode, response.body).toBe(202);
    const { id, urls } = response.json();
    await app.inject({ url: urls.events });
    expect(model.calls[0]).toMatchObject({ mode: 'inpaint', options: { seed: 3 } });
    const sent = await app.inject({ url: `/v1/jobs/${id}/files/mask` });
    expect([sent.headers['content-type'], sent.rawPayload]).toEqual(['image/png', png]);
    const text = await submit(app, { mode: 'i2t', image: `data:image/png;base64,${png.toString('base64')}` });
    expect((await app.inject({ url: text.urls.events })).body).toContain('a fake caption');
  });

  it('tell how familiar a picture given looks, where the model measures that', async () => {
    const image = `data:image/png;base64,${(await redPng()).toString('base64')}`;
    const resultOf = async (options: Parameters<typeof startApp>[1]) => {
      const { app } = await startApp({}, options);
      const { urls } = await submit(app, { mode: 'i2t', image });
      await app.inject({ url: urls.events });
      return (await app.inject({ url: urls.get })).json().result;
    };
    const seen = { familiarity: 4.5, isFamiliar: false };
    expect(await resultOf({ seen })).toMatchObject({ familiarity: 4.5, is_familiar: false });
    expect(await resultOf({})).not.toHaveProperty('is_familiar');
  });

  it('are cancelled once', async () => {
    const { app } = await startApp({}, { pace: 'stepwise' });
    const { urls } = await submit(app);
    const cancel = () => app.inject({ method: 'POST', url: urls.cancel });
    expect((await cancel()).json()).toMatchObject({ status: 'cancelled' });
    expect([(await cancel()).statusCode, (await cancel()).json().error.code]).toEqual([409, 'job_over']);
    expect((await app.inject({ method: 'POST', url: '/v1/jobs/job_none/cancel' })).statusCode).toBe(404);
    const old = `/v1/jobs/job_${'0'.repeat(9)}${'a'.repeat(20)}/cancel`;
    expect((await app.inject({ method: 'POST', url: old })).statusCode).toBe(410);
  });

  it('are one for one Idempotency-Key', async () => {
    const { app } = await startApp();
    const headers = { 'idempotency-key': 'k' };
    const first = await submit(app, drawing, headers);
    expect((await submit(app, drawing, headers)).id).toBe(first.id);
    expect((await post(app, { ...drawing, seed: 8 }, headers)).json().error.message).toContain('another request');
  });

  it('are listed in pages', async () => {
    const { app } = await startApp();
    for (let i = 0; i < 3; i++) await app.inject({ url: (await submit(app)).urls.events });
    const first = (await app.inject({ url: '/v1/jobs?limit=2' })).json();
    expect([first.jobs.length, first.has_more]).toEqual([2, true]);
    const rest = (await app.inject({ url: `/v1/jobs?limit=2&before=${first.jobs[1].id}` })).json();
    expect([rest.jobs.length, rest.has_more]).toEqual([1, false]);
    expect((await app.inject({ url: '/v1/jobs?limit=0' })).statusCode).toBe(400);
  });

  it.each([
    [{ mode: 'draw' }, 400, 'mode'],
    [{}, 400, 'mode'],
    [{ mode: 't2i' }, 400, 'prompt'],
    [{ ...drawing, n: 'many' }, 400, 'n'],
    [{ ...drawing, model: 'other' }, 404, 'model'],
    [{ mode: 'i2t', image: 'aGVsbG8=' }, 400, 'image'],
    [{ mode: 'i2t', image: 'http://127.0.0.1/a.png' }, 403, null],
    [{ mode: 'i2t', image: { url: 'x' } }, 400, 'image'],
  ])('refuse %j', async (payload, status, param) => {
    const { app } = await startApp();
    const response = await post(app, payload);
    expect(response.statusCode).toBe(status);
    expect(response.json().error).toMatchObject({ param, message: expect.any(String), code: expect.any(String) });
  });

  it.each([
    ['num_steps', "did you mean 'steps'?"],
    ['num_inference_steps', "did you mean 'steps'?"],
    ['Prompt', "did you mean 'prompt'?"],
    ['negativePrompt', "did you mean 'negative_prompt'?"],
    ['guidance_scale', "did you mean 'guidance'?"],
    ['init_images', "did you mean 'image'?"],
    ['widht', 'Fields: mode'],
    ['width', '/v1/images/generations takes size'],
    ['output_format', '/v1/images/generations takes size'],
    ['__proto', 'Fields: mode'],
    ['x'.repeat(5000), 'Fields: mode'],
  ])('refuse the unknown field %.30s and say what there is', async (name, hint) => {
    const { app } = await startApp();
    const response = await post(app, { ...drawing, [name]: 1 });
    expect(response.statusCode).toBe(400);
    const { error } = response.json();
    expect(error).toMatchObject({ code: 'invalid_value', param: expect.stringContaining(name.slice(0, 50)) });
    expect(error.message).toContain(hint);
    expect(error.message).toContain('preview_every');
    expect(error.message.length).toBeLessThan(600);
    const query = await app.inject({ url: `/v1/jobs?limit=1&befor=2` });
    expect([query.statusCode, query.json().error.message]).toEqual([
      400,
      expect.stringContaining("did you mean 'before'?"),
    ]);
    const form = new FormData();
    form.set('mode', 't2i');
    form.set('prompt', 'an apple');
    form.set(name, '1');
    const sent = new Response(form);
    const headers = { 'content-type': sent.headers.get('content-type') ?? '' };
    const payload = Buffer.from(await sent.arrayBuffer());
    const refused = await app.inject({ method: 'POST', url: '/v1/jobs', headers, payload });
    expect(refused.statusCode).toBe(400);
  });

  it('answer a full queue with 429 and when to come back', async () => {
    const { app } = await startApp({ maxRunning: 1, maxQueue: 0 }, { pace: 'stepwise' });
    await submit(app);
    const response = await post(app);
    expect(response.statusCode).toBe(429);
    expect(response.json().error).toMatchObject({ type: 'rate_limit_error', code: 'queue_full' });
    expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
    expect((await app.inject({ url: '/health/ready' })).statusCode).toBe(503);
    expect((await app.inject({ url: '/health/live' })).statusCode).toBe(200);
  });
});
