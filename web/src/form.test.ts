import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  defaultGuidance,
  defaultSteps,
  emptyForm,
  type Form,
  fieldsOf,
  missingInputs,
  modes,
  otherOptions,
  type TabId,
  toBody,
  toForm,
  withExtra,
} from './form.ts';
import { requestFromChunk } from './restore.ts';
import type { Capabilities, JobMode } from './wire.ts';

const picture = { name: 'a.png', url: 'data:image/png;base64,AA==' };
const filled: Partial<Form> = {
  prompt: ' an apple ',
  prompt2: 'a heart',
  image: picture,
  image2: picture,
  mask: picture,
};
const formOf = (mode: JobMode, fields: Partial<Form> = {}): Form => ({
  ...emptyForm(fieldsOf(mode).tab),
  mode,
  ...filled,
  ...fields,
});

describe('toBody', () => {
  it('sends what the mode reads, and leaves defaults to the server', () => {
    expect(toBody(formOf('t2i'))).toEqual({ mode: 't2i', prompt: 'an apple', n: 4, preview_every: 2 });
    expect(toBody(formOf('i2t'))).toEqual({ mode: 'i2t', image: picture.url, n: 4 });
    expect(toBody(formOf('joint'))).toEqual({ mode: 'joint', n: 6, preview_every: 2 });
    expect(toBody(formOf('gibbs', { rounds: 5 }))).toEqual({
      mode: 'gibbs',
      prompt: 'an apple',
      rounds: 5,
      preview_every: 2,
    });
  });

  it('sends what was set', () => {
    const set = { seed: 0, steps: 7, guidance: 1, solver: 'ddim', negativePrompt: 'red' } as const;
    expect(toBody(formOf('t2i', set))).toMatchObject({
      seed: 0,
      steps: 7,
      guidance: 1,
      solver: 'ddim',
      negative_prompt: 'red',
    });
    expect(toBody(formOf('i', set))).not.toHaveProperty('guidance');
    expect(toBody(formOf('i2t', set))).not.toHaveProperty('negative_prompt');
  });

  it('mixes captions or pictures, never both', () => {
    expect(toBody(formOf('interpolate'))).toMatchObject({ prompt: 'an apple', prompt2: 'a heart', frames: 9 });
    expect(toBody(formOf('interpolate'))).not.toHaveProperty('image');
    const pictures = toBody(formOf('interpolate', { kind: 'pictures' }));
    expect(pictures).toMatchObject({ image: picture.url, image2: picture.url });
    expect(pictures).not.toHaveProperty('prompt');
  });

  it('paints over with a caption or without one; gaps of a caption need no picture', () => {
    expect(toBody(formOf('inpaint'))).toMatchObject({ image: picture.url, mask: picture.url, prompt: 'an apple' });
    expect(toBody(formOf('inpaint', { prompt: ' ' }))).not.toHaveProperty('prompt');
    expect(toBody(formOf('inpaint', { kind: 'words', prompt: 'a _' }))).toEqual({
      mode: 'inpaint',
      prompt: 'a _',
      n: 2,
      preview_every: 2,
    });
  });
});

describe('missingInputs', () => {
  it.each<[JobMode, Partial<Form>, readonly string[]]>([
    ['t2i', {}, ['prompt']],
    ['t2i', { prompt: '  ' }, ['prompt']],
    ['i2t', {}, ['image']],
    ['joint', {}, []],
    ['interpolate', { prompt: 'x' }, ['prompt2']],
    ['interpolate', { kind: 'pictures' }, ['image', 'image2']],
    ['inpaint', { image: picture }, ['mask']],
    ['inpaint', { kind: 'words' }, ['prompt']],
    ['inpaint', { kind: 'words', prompt: 'a snake_case' }, ['gap']],
    ['inpaint', { kind: 'words', prompt: 'a __ cat' }, []],
  ])('of %s with %j', (mode, fields, missing) => {
    expect(missingInputs({ ...emptyForm(fieldsOf(mode).tab), mode, ...fields })).toEqual(missing);
  });
});

const anyForm = fc
  .record({
    mode: fc.constantFrom(...(Object.keys(modes) as JobMode[])),
    kind: fc.constantFrom<Form['kind']>('words', 'pictures'),
    seed: fc.option(fc.nat()),
    steps: fc.option(fc.integer({ min: 1, max: 60 })),
    guidance: fc.option(fc.integer({ min: 1, max: 10 })),
    n: fc.integer({ min: 1, max: 10 }),
    prompt: fc.constantFrom('an apple', 'a _ left of a dog'),
  })
  .map(fields => formOf(fields.mode, fields));

describe('toForm', () => {
  it('gives the form back that made a request', () => {
    fc.assert(
      fc.property(anyForm, form => {
        const body = toBody(form);
        const { image, image2, mask, ...known } = body;
        const pictures = {
          image: image ? picture : null,
          image2: image2 ? picture : null,
          mask: mask ? picture : null,
        };
        expect(toBody(toForm(known, pictures))).toEqual(body);
      }),
    );
  });

  it('opens the tab of the mode', () => {
    const tabs: Partial<Record<JobMode, TabId>> = { t2i: 'draw', t2i2t: 'vary', gibbs: 'imagine' };
    for (const [mode, tab] of Object.entries(tabs)) expect(fieldsOf(mode as JobMode).tab).toBe(tab);
  });
});

describe('requestFromChunk', () => {
  it('reads what Duet writes', () => {
    const chunk = {
      mode: 't2i',
      model: 'emoji',
      version: '0.1.0',
      width: 64,
      height: 64,
      seed: 42,
      steps: 20,
      guidance: 3,
      solver: 'ddim',
      noiseSchedule: 'karras',
      prompt: 'an apple',
      negativePrompt: 'red',
    };
    expect(requestFromChunk(JSON.stringify(chunk), ['euler', 'ddim'])).toEqual({
      mode: 't2i',
      n: 1,
      seed: 42,
      steps: 20,
      guidance: 3,
      solver: 'ddim',
      noise_schedule: 'karras',
      prompt: 'an apple',
      negative_prompt: 'red',
    });
  });

  it('leaves out what it cannot show', () => {
    const chunk = '{"mode":"i","solver":"magic","seed":"7","steps":null}';
    expect(requestFromChunk(chunk, ['ddim'])).toEqual({ mode: 'i', n: 1 });
  });

  it.each(['', 'null', '[]', '3', '{"mode":"toString"}', '{"mode":7}', '{'])('is undefined for %j', text => {
    expect(requestFromChunk(text)).toBeUndefined();
  });
});

describe('options that only the server knows', () => {
  const known = {
    calls: {
      i2t2i: { options: ['n', 'seed', 'strength', 'sparkle'], defaults: { steps: 20, guidance: 3, strength: 1 } },
      t2i: { options: ['n', 'seed', 'sparkle'], defaults: { steps: 20, guidance: 3 } },
      inpaint: { options: ['n', 'strength'], defaults: { steps: 20, guidance: 3, strength: 1 } },
    },
    options: {
      strength: { type: 'number', minimum: 0, maximum: 1 },
      sparkle: { type: 'integer', minimum: 0, maximum: 9, description: 'how much' },
    },
  } as unknown as Capabilities;

  it('are fields of the modes that have them', () => {
    expect(otherOptions(formOf('i2t2i'), known).map(([name]) => name)).toEqual(['strength', 'sparkle']);
    expect(otherOptions(formOf('t2i'), known)).toEqual([['sparkle', known.options['sparkle']]]);
    expect(otherOptions(formOf('inpaint', { kind: 'words' }), known)).toEqual([]);
    expect([defaultGuidance('t2i', known), defaultSteps('t2i', known)]).toEqual([3, 20]);
  });

  it('are sent where they differ from the default, by the mode that they were set for', () => {
    const form = formOf('i2t2i');
    const extras = withExtra({ ...form, extras: withExtra(form, 'sparkle', 4, known) }, 'strength', 0.5, known);
    expect(toBody({ ...form, extras }, known)).toMatchObject({ strength: 0.5, sparkle: 4 });
    expect(toBody({ ...form, extras, mode: 't2i' }, known)).not.toHaveProperty('sparkle');
    const back = withExtra({ ...form, extras }, 'strength', 1, known);
    expect(toBody({ ...form, extras: back }, known)).not.toHaveProperty('strength');
  });

  it('come back with the request that had them', () => {
    const request = { mode: 'i2t2i', n: 1, strength: 0.25, sparkle: 2, rendering: {} } as const;
    expect(toBody(toForm(request, { image: picture }), known)).toMatchObject({ strength: 0.25, sparkle: 2 });
    expect(toForm(request).extras).toEqual({ i2t2i: { strength: 0.25, sparkle: 2 } });
    const hostile = toForm({ mode: 't2i', prompt: 'x', strength: 0.5 });
    expect(toBody(hostile, known)).not.toHaveProperty('strength');
  });
});
