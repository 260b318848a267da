/** One limit in one place: what the documentation promises is what is served, and errors name the field that was sent. */
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildApp } from './app.ts';
import { serverConfig } from './config.ts';
import { fakeModel } from './testing/fake-model.ts';

let app: FastifyInstance;
beforeAll(async () => {
  app = await buildApp({ config: serverConfig({ data: null, maxEventLoopDelay: 0 }), models: [fakeModel()] });
});
afterAll(() => app.close());

async function post(url: string, payload: object) {
  const response = await app.inject({ method: 'POST', url, payload });
  return { status: response.statusCode, body: response.json() };
}

const apple = { prompt: 'an apple' };

it.each([
  ['/v1/images/generations', { num_inference_steps: 400 }, 'num_inference_steps', /250/],
  ['/v1/images/generations', { steps: 400 }, 'steps', /250/],
  ['/v1/images/generations', { n: 17 }, 'n', /16/],
  ['/v1/images/generations', { cfg_scale: 101 }, 'cfg_scale', /100/],
  ['/v1/images/generations', { seed: 2 ** 32 }, 'seed', /4294967295/],
  ['/v1/images/generations', { seed: 2 ** 32 - 1, n: 2 }, 'seed', /4294967294/],
  ['/v1/images/generations', { prompt: 'x'.repeat(10_001) }, 'prompt', /10000/],
  ['/v1/jobs', { mode: 't2i', steps: 400 }, 'steps', /250/],
  ['/v1/jobs', { mode: 't2i', preview_every: 251 }, 'preview_every', /250/],
  ['/v1/jobs', { mode: 'gibbs', rounds: 17 }, 'rounds', /16/],
  ['/v1/jobs', { mode: 'interpolate', prompt2: 'x', frames: 1 }, 'frames', /2/],
  ['/v1/jobs', { mode: 't2i', strength: 0.5 }, 'strength', /no option strength/],
  ['/v1/jobs', { mode: 'inpaint', strength: 0.5 }, 'strength', /strength needs image/],
  ['/v1/jobs', { mode: 'joint', order: 'image-first' }, 'order', /together/],
  ['/v1/jobs', { mode: 't2i', seed: 2 ** 32 - 1, n: 3 }, 'seed', /4294967293/],
])('%s refuses %j naming %s', async (url, fields, param, message) => {
  const { status, body } = await post(url, { ...apple, ...fields });
  expect(status).toBe(400);
  expect(body.error).toMatchObject({ param, message: expect.stringMatching(message) });
});

it.each([
  [{ steps: 400 }, 'steps'],
  [{ cfg_scale: -1 }, 'cfg_scale'],
  [{ batch_size: 17 }, 'batch_size'],
  [{ batch_size: 4, n_iter: 5 }, 'batch_size'],
  [{ seed: 2 ** 32 - 1, batch_size: 2 }, 'seed'],
])('A1111 refuses %j at %s', async (fields, field) => {
  const { status, body } = await post('/sdapi/v1/txt2img', { ...apple, ...fields });
  expect(status).toBe(422);
  expect(body.detail[0].loc).toEqual(['body', field]);
});

it.each([
  [{ num_inference_steps: 400 }, 'input.num_inference_steps'],
  [{ steps: 400 }, 'input.steps'],
  [{ num_outputs: 17 }, 'input.num_outputs'],
  [{ seed: 2 ** 32 - 1, num_outputs: 2 }, 'input.seed'],
  [{ mode: 't2i', prompt_strength: 0.5 }, 'input.prompt_strength'],
])('Replicate refuses %j at %s', async (fields, field) => {
  const { status, body } = await post('/replicate/v1/predictions', { input: { ...apple, ...fields } });
  expect(status).toBe(422);
  expect(body.invalid_fields[0].field).toBe(field);
});

it('documents the limits that are served, in every family and to the page', async () => {
  const openapi = (await app.inject('/openapi.json')).json();
  const bodyOf = (path: string) => {
    const { content } = openapi.paths[path].post.requestBody;
    return (content['application/json'] ?? Object.values(content)[0]).schema.properties;
  };
  const openai = bodyOf('/v1/images/generations');
  expect([openai.num_inference_steps.maximum, openai.steps.maximum, openai.n.maximum]).toEqual([250, 250, 16]);
  const a1111 = bodyOf('/sdapi/v1/txt2img');
  expect([a1111.steps.maximum, a1111.cfg_scale.maximum, a1111.batch_size.maximum]).toEqual([250, 100, 16]);
  const job = bodyOf('/v1/jobs');
  expect([job.steps.maximum, job.n.maximum, job.frames.maximum, job.prompt.maxLength]).toEqual([250, 16, 16, 10_000]);
  const replicate = bodyOf('/replicate/v1/predictions').input.properties;
  expect([replicate.num_outputs.maximum, replicate.steps.maximum]).toEqual([16, 250]);
  const { limits, options, calls } = (await app.inject('/v1/capabilities')).json();
  expect(limits).toMatchObject({ n: 16, steps: 250, frames: 16, rounds: 16 });
  expect(options).toMatchObject({ n: { maximum: 16, default: 1 }, strength: { minimum: 0, maximum: 1 } });
  expect(calls.gibbs).toMatchObject({ needs: [], takes: ['prompt', 'image'], makes: 'pairs' });
});

it('starts a chain from nothing, everywhere alike', async () => {
  const { status } = await post('/v1/jobs', { mode: 'gibbs', rounds: 2 });
  expect(status).toBe(202);
});
