/** What a picture's file says, as a request that can be made again. */
import type { FastifyInstance } from 'fastify';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PictureParameters, withParameters } from '../../../src/image/index.ts';
import { insertPngTexts } from '../../../src/image/png-text.ts';
import { buildApp } from '../../app.ts';
import { serverConfig } from '../../config.ts';
import { fakeModel } from '../../testing/fake-model.ts';

const record: PictureParameters = {
  mode: 'i2t2i',
  model: 'emoji',
  version: '0.1.0',
  width: 8,
  height: 8,
  seed: 7,
  steps: 5,
  guidance: 2.5,
  solver: 'ddim',
  prompt: '猫 “hat”',
  negativePrompt: 'red',
  strength: 0.5,
  caption: 'a cat',
};
const expected = {
  mode: 'i2t2i',
  seed: 7,
  steps: 5,
  guidance: 2.5,
  solver: 'ddim',
  prompt: '猫 “hat”',
  negative_prompt: 'red',
  strength: 0.5,
};

const plain = sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } });
const files = {
  png: () => plain.clone().png().toBuffer(),
  jpeg: () => plain.clone().jpeg().toBuffer(),
  webp: () => plain.clone().webp().toBuffer(),
  gif: () => plain.clone().gif().toBuffer(),
};

let app: FastifyInstance;
beforeAll(async () => {
  app = await buildApp({
    config: serverConfig({ data: null, maxEventLoopDelay: 0, maxSteps: 50 }),
    models: [fakeModel()],
  });
});
afterAll(() => app.close());

async function ask(bytes: Uint8Array | string) {
  const image = typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('base64');
  const answer = await app.inject({ method: 'POST', url: '/v1/pictures/request', payload: { image } });
  return { status: answer.statusCode, ...answer.json() };
}

const withRecord = async (more: object) => withParameters(await files.png(), { ...record, ...more });

describe('POST /v1/pictures/request', () => {
  it.each(['png', 'jpeg', 'webp'] as const)('reads all that a %s file of Duet says', async format => {
    const file = withParameters(await files[format](), record);
    expect(await ask(file)).toEqual({ status: 200, request: expected, left_out: [] });
  });

  it('takes a form with a file', async () => {
    const form = new FormData();
    form.append('image', new Blob([Buffer.from(await withRecord({}))]));
    const request = new Request('http://duet.test', { method: 'POST', body: form });
    const answer = await app.inject({
      method: 'POST',
      url: '/v1/pictures/request',
      headers: { 'content-type': request.headers.get('content-type')! },
      payload: Buffer.from(await request.arrayBuffer()),
    });
    expect(answer.json().request).toEqual(expected);
  });

  it('names what the model does not take', async () => {
    const hostile = { solver: 'magic', steps: 5000, sparkleLevel: 3, guidance: '3', prompt: 'x'.repeat(10_001) };
    const { request, left_out: leftOut } = await ask(await withRecord(hostile));
    expect(request).toEqual({ mode: 'i2t2i', seed: 7, negative_prompt: 'red', strength: 0.5 });
    expect(leftOut.sort()).toEqual(['guidance', 'prompt', 'solver', 'sparkle_level', 'steps']);
  });

  it.each(['constructor', 'inpaintt', '__proto__'])('knows no mode %s', async mode => {
    expect(await ask(await withRecord({ mode }))).toEqual({ status: 200, request: null, left_out: [] });
  });

  it('reads the infotext of other programs as pictures of a caption', async () => {
    const text = 'a cat\nNegative prompt: red\nSteps: 9, Sampler: Euler a, CFG scale: 4.5, Seed: 12, Size: 8x8';
    const file = insertPngTexts(await files.png(), { parameters: text });
    const request = { mode: 't2i', prompt: 'a cat', negative_prompt: 'red', seed: 12, steps: 9, guidance: 4.5 };
    expect(await ask(file)).toEqual({ status: 200, request, left_out: ['sampler'] });
  });

  it('says null of pictures that tell nothing, and refuses what carries nothing', async () => {
    expect(await ask(await files.png())).toEqual({ status: 200, request: null, left_out: [] });
    expect((await ask(await files.gif())).status).toBe(400);
    expect((await ask('bm90IGEgcGljdHVyZQ==')).status).toBe(400);
    expect((await ask('')).status).toBe(400);
  });
});
