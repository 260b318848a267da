/**
 * An option that is added to the table of options, and nowhere else, reaches the library, the command line, every family of
 * routes with its documentation, what the page makes its form of, and docs/options.md.
 */
import { Readable, Writable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { buildApp } from '../server/app.ts';
import { serverConfig } from '../server/config.ts';
import { type FakeModel, fakeModel } from '../server/testing/fake-model.ts';
import { runCli } from '../src/cli/program.ts';
import { type Pipeline, runCall } from '../src/pipelines/index.ts';
import { optionsDocument } from '../tools/options-document.ts';

vi.mock('../src/pipelines/common-options.ts', async importOriginal => {
  const original = await importOriginal<typeof import('../src/pipelines/common-options.ts')>();
  const { default: Type } = await import('typebox');
  const sparkle = Type.Number({ minimum: 0, maximum: 3, default: 1, description: 'how much everything glitters' });
  return { ...original, commonOptions: { ...original.commonOptions, sparkleLevel: sparkle } };
});

let app: FastifyInstance;
let model: FakeModel;
beforeAll(async () => {
  model = fakeModel();
  app = await buildApp({ config: serverConfig({ data: null, maxEventLoopDelay: 0 }), models: [model] });
});
afterAll(() => app.close());

const last = () => model.calls.at(-1)?.options;
const post = (url: string, payload: object) => app.inject({ method: 'POST', url, payload });

it('is an option of the library, with its limits', async () => {
  await model.model.run('t2i', { prompt: 'an apple' }, { sparkleLevel: 2 });
  expect(last()).toMatchObject({ sparkleLevel: 2 });
  const refused = runCall(methodless, 't2i', { prompt: 'an apple' }, { sparkleLevel: 4 } as object);
  await expect(refused).rejects.toMatchObject({ code: 'invalid-argument', field: 'sparkleLevel' });
  await expect(refused).rejects.toThrow('sparkleLevel must be a number from 0 to 3, got 4');
});

describe('on the command line', () => {
  it.each(['t2i', 'i2t', 'joint', 'image', 'text', 'vary', 'rephrase', 'gibbs', 'interpolate', 'inpaint'])(
    'is a flag of duet %s',
    async command => {
      const { stdout } = await duet([command, '--help']);
      expect(stdout).toMatch(/--sparkle-level <number>\s+how much everything glitters \(default: 1\)/);
    },
  );

  it('is checked and passed on', async () => {
    const { stderr } = await duet(['text', '--sparkle-level', '4']);
    expect(stderr).toMatch(/--sparkle-level.*'4' is invalid\. Expected a number from 0 to 3/);
    await duet(['text', '--sparkle-level', '2.5']);
    expect(last()).toMatchObject({ sparkleLevel: 2.5 });
  });
});

const prompt = 'an apple';
const requests = [
  ['/v1/jobs', (fields: object) => ({ mode: 't2i', prompt, ...fields })],
  ['/v1/images/generations', (fields: object) => ({ prompt, ...fields })],
  [
    '/v1/chat/completions',
    (fields: object) => ({ modalities: ['image'], messages: [{ role: 'user', content: prompt }], ...fields }),
  ],
  ['/sdapi/v1/txt2img', (fields: object) => ({ prompt, ...fields })],
  ['/replicate/v1/predictions', (fields: object) => ({ input: { prompt, ...fields } })],
] as const;

describe.each(requests)('over %s', (url, bodyOf) => {
  it('reaches the model', async () => {
    const before = model.calls.length;
    const { statusCode, body } = await post(url, bodyOf({ sparkle_level: 1.5 }));
    expect(statusCode, body).toBeLessThan(300);
    await expect.poll(() => model.calls.length).toBeGreaterThan(before);
    expect(last()).toMatchObject({ sparkleLevel: 1.5 });
  });

  it('is refused beyond its limits, by its name', async () => {
    const { statusCode, body } = await post(url, bodyOf({ sparkle_level: 3.5 }));
    expect([400, 422]).toContain(statusCode);
    expect(body).toMatch(/sparkle_level/);
  });

  it('is documented', async () => {
    const { paths } = (await app.inject('/openapi.json')).json();
    expect(JSON.stringify(paths[url].post.requestBody)).toMatch(/"sparkle_level":\{[^}]*"maximum":3/);
  });
});

it('is told to the page, with limits, default and text', async () => {
  const { options, calls } = (await app.inject('/v1/capabilities')).json();
  expect(options.sparkle_level).toMatchObject({ type: 'number', minimum: 0, maximum: 3, default: 1 });
  expect(options.sparkle_level.description).toMatch(/glitters/i);
  for (const { options: own } of Object.values<{ options: string[] }>(calls)) expect(own).toContain('sparkle_level');
});

it('is in docs/options.md, for every call and under every name', async () => {
  const lines = (await optionsDocument()).split('\n').filter(line => line.startsWith('| `sparkleLevel` |'));
  expect(lines).toEqual([
    expect.stringMatching(/glitters \| a number from 0 to 3 \| the same \| 1 \|$/),
    expect.stringMatching(/^\| `sparkleLevel` (\| yes ){10}\|$/),
    expect.stringMatching(/^\| `sparkleLevel` \| `--sparkle-level` (\| `sparkle_level` ){8}\|$/),
  ]);
});

/** Refused calls do not come to any method. */
const methodless = {} as Parameters<typeof runCall>[0];

async function duet(args: readonly string[]) {
  const texts = { stdout: '', stderr: '' };
  const collect = (name: keyof typeof texts) =>
    new Writable({
      write(chunk, _encoding, done) {
        texts[name] += String(chunk);
        done();
      },
    });
  const terminal = {
    stdin: Readable.from(['']),
    stdout: collect('stdout'),
    stderr: collect('stderr'),
    signal: new AbortController().signal,
  };
  // The command calls a method of the class; the fake stands behind `run`.
  const text = (options: object) => model.model.run('t', {}, options as Record<string, unknown>);
  const load = async () => Object.assign(Object.create(model.model) as Pipeline, { text }) as never;
  return { code: await runCli(args, terminal, { load }), ...texts };
}
