/** A Stable Diffusion folder behind every family of routes: what it can do appears by its table of calls. */
import type { FastifyInstance } from 'fastify';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeModel, loadAs, type StableDiffusion } from '../src/pipelines/index.ts';
import { buildApp } from './app.ts';
import { serverConfig } from './config.ts';

const folder = new URL('../test/golden/data/checkpoints/sd15-diffusers/', import.meta.url).pathname;
let app: FastifyInstance;
let model: StableDiffusion;
beforeAll(async () => {
  model = await loadAs('stable-diffusion', folder, { threads: 2 });
  const { description, created } = await describeModel(folder);
  const info = { ...description, id: 'sd', created, inspectCaption: (text: string) => model.inspectCaption(text) };
  app = await buildApp({ config: serverConfig({ data: null, maxEventLoopDelay: 0 }), models: [{ info, model }] });
});
afterAll(async () => {
  await app.close();
  await model.release();
});

const post = async (url: string, payload: object) => (await app.inject({ method: 'POST', url, payload })).json();
const sidesOf = async (base64: string) => {
  const { width, height } = await sharp(Buffer.from(base64, 'base64')).metadata();
  return [width, height];
};
const picture = async () => {
  const grey = { width: 40, height: 24, channels: 4, background: { r: 90, g: 90, b: 90, alpha: 1 } } as const;
  return `data:image/png;base64,${(await sharp({ create: grey }).png().toBuffer()).toString('base64')}`;
};

describe('openai', () => {
  it('draws in the size asked for', async () => {
    const { data, size, native_size } = await post('/v1/images/generations', {
      prompt: 'a boat',
      size: '48x32',
      num_inference_steps: 2,
    });
    expect([await sidesOf(data[0].b64_json), size, native_size]).toEqual([[48, 32], '48x32', '48x32']);
  });

  it('draws in the nearest size that it can, and brings it to the one asked for', async () => {
    const answer = await post('/v1/images/generations', { prompt: 'a boat', size: '50x50', steps: 1 });
    expect([await sidesOf(answer.data[0].b64_json), answer.native_size]).toEqual([[50, 50], '48x48']);
  });

  it('edits a picture as a prompt says', async () => {
    const answer = await post('/v1/images/edits', { image: await picture(), prompt: 'a boat', steps: 2 });
    expect(await sidesOf(answer.data[0].b64_json)).toEqual([40, 24]);
  });
});

describe('a1111', () => {
  it('draws with its samplers, sizes and negative prompts', async () => {
    const answer = await post('/sdapi/v1/txt2img', {
      prompt: 'a boat',
      negative_prompt: 'sea',
      width: 40,
      height: 64,
      steps: 2,
      cfg_scale: 3,
      seed: 5,
      sampler_name: 'Euler a',
    });
    expect(await sidesOf(answer.images[0])).toEqual([40, 64]);
    expect(JSON.parse(answer.info)).toMatchObject({ sampler_name: 'Euler a', width: 40, height: 64, seed: 5 });
    const { samples } = await model.textToImage('a boat', {
      negativePrompt: 'sea',
      width: 40,
      height: 64,
      steps: 2,
      guidance: 3,
      seed: 5,
      solver: 'euler-ancestral',
    });
    const pixels = await sharp(Buffer.from(answer.images[0], 'base64')).removeAlpha().raw().toBuffer();
    expect(new Uint8Array(pixels)).toEqual(samples[0]!.image.data);
  });

  it('draws without a prompt, and from a picture', async () => {
    const without = await post('/sdapi/v1/txt2img', { width: 32, height: 32, steps: 1 });
    expect(await sidesOf(without.images[0])).toEqual([32, 32]);
    const from = { init_images: [await picture()], denoising_strength: 0.6, width: 40, height: 24, steps: 3 };
    const answer = await post('/sdapi/v1/img2img', { ...from, prompt: 'a boat' });
    expect(await sidesOf(answer.images[0])).toEqual([40, 24]);
  });
});

describe('native and replicate', () => {
  it('offers its calls and options', async () => {
    const capabilities = (await app.inject('/v1/capabilities')).json();
    expect([capabilities.family, capabilities.modes]).toEqual(['stable-diffusion', ['t2i', 'i2t2i', 'inpaint']]);
    expect(capabilities.calls.t2i.options).toEqual(expect.arrayContaining(['width', 'height', 'guidance_rescale']));
  });

  it('runs a job in a size, and refuses what it cannot do', async () => {
    const job = await post('/v1/jobs', { mode: 't2i', prompt: 'a boat', width: 32, height: 24, steps: 1, seed: 1 });
    expect(job.id).toMatch(/^job_/);
    const wrong = await post('/v1/jobs', { mode: 't2i', prompt: 'a boat', width: 30 });
    expect(JSON.stringify(wrong)).toMatch(/width/);
    expect(JSON.stringify(await post('/v1/jobs', { mode: 'joint' }))).toMatch(/mode/);
  });

  it('answers predictions with pictures of the size asked for', async () => {
    const input = { prompt: 'a boat', width: 32, height: 48, num_inference_steps: 1 };
    const url = '/replicate/v1/models/duet/sd/predictions';
    const answer = await app.inject({ method: 'POST', url, headers: { prefer: 'wait' }, payload: { input } });
    expect(answer.json()).toMatchObject({ status: 'succeeded', input: { width: 32, height: 48 } });
  });
});
