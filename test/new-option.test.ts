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
import { labelOf, settingsOf } from '../web/src/calls.ts';
import { emptyForm, toBody, withOption } from '../web/src/form.ts';
import type { Capabilities } from '../web/src/wire.ts';

vi.mock('../src/pipelines/common-options.ts', async importOriginal => {
  const original = await importOriginal<typeof import('../src/pipelines/common-options.ts')>();
  const { default: Type } = await import('typebox');
  const sparkle = Type.Number({ minimum: 0, maximum: 3, default: 1, description: 'how much everything glitters' });
  const others = {
    isGilded: Type.Boolean({ default: false, description: 'put gold on everything' }),
    lacquerKind: Type.Enum(['matt', 'shiny'], { default: 'matt', description: 'what is painted over it' }),
    coatCount: Type.Integer({ minimum: 0, maximum: 5, default: 1, description: 'coats of lacquer' }),
    engravedName: Type.String({ maxLength: 9, description: 'what is scratched in' }),
  };
  return { ...original, commonOptions: { ...original.commonOptions, sparkleLevel: sparkle, ...others } };
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

/** Of each kind: its name on the wire, a value as a flag and as itself, one that is not allowed, what forms must know. */
const kinds = [
  ['sparkleLevel', 'sparkle_level', ['--sparkle-level', '2.5'], 2.5, 3.5, { type: 'number', maximum: 3, default: 1 }],
  ['isGilded', 'is_gilded', ['--is-gilded'], true, 'golden', { type: 'boolean', default: false }],
  ['lacquerKind', 'lacquer_kind', ['--lacquer-kind', 'shiny'], 'shiny', 'oily', { enum: ['matt', 'shiny'] }],
  ['coatCount', 'coat_count', ['--coat-count', '4'], 4, 1.5, { type: 'integer', maximum: 5 }],
  ['engravedName', 'engraved_name', ['--engraved-name', 'duet'], 'duet', 'too long a name', { maxLength: 9 }],
] as const;

describe.each(kinds)('%s, an option of another kind', (name, wire, flag, value, wrong, told) => {
  it('reaches the model from the library, the command line and every family of routes, and is checked', async () => {
    await duet(['text', ...flag]);
    expect(last()).toMatchObject({ [name]: value });
    for (const [url, bodyOf] of requests) {
      const before = model.calls.length;
      const { statusCode, body } = await post(url, bodyOf({ [wire]: value }));
      expect(statusCode, `${url} ${body}`).toBeLessThan(300);
      await expect.poll(() => model.calls.length).toBeGreaterThan(before);
      expect(last(), url).toMatchObject({ [name]: value });
      const refused = await post(url, bodyOf({ [wire]: wrong }));
      expect([400, 422], url).toContain(refused.statusCode);
      expect(refused.body, url).toContain(wire);
    }
    const refused = runCall(methodless, 't2i', { prompt: 'an apple' }, { [name]: wrong } as object);
    await expect(refused).rejects.toMatchObject({ code: 'invalid-argument', field: name });
  });

  it("is a setting of the page's forms, and part of what they send", async () => {
    const known: Capabilities = (await app.inject('/v1/capabilities')).json();
    const formCall = { mode: 't2i', call: known.calls['t2i']! };
    const [, schema] = settingsOf(formCall.call, 'words', known).find(([own]) => own === wire)!;
    expect(schema).toMatchObject(told);
    expect(schema.description).toMatch(/^[A-Z]/);
    expect(labelOf(wire, schema)).toBe(wire[0]!.toUpperCase() + wire.slice(1).replace('_', ' '));
    const form = { ...emptyForm('draw'), prompt };
    const body = toBody({ ...form, ...withOption(form, formCall, wire, value) }, formCall, known);
    expect(body).toMatchObject({ [wire]: value });
    expect(toBody(form, formCall, known)).not.toHaveProperty(wire);
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
