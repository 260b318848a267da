import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { callOf, emptyForm, type Form, missingInputs, optionValue, toBody, toForm, withOption } from './form.ts';
import { callIn, drawingModel, formOf, known, talkingModel } from './testing/known.ts';

const picture = { name: 'a.png', url: 'data:image/png;base64,AA==' };
const filled: Partial<Form> = {
  prompt: ' an apple ',
  prompt2: 'a heart',
  image: picture,
  image2: picture,
  mask: picture,
};
const bodyOf = (mode: string, fields: Partial<Form> = {}) =>
  toBody(formOf(mode, { ...filled, ...fields }), callIn(mode), known);
const set = (mode: string, options: Form['options'][string]) => ({ options: { [mode]: options } });

describe('toBody', () => {
  it('sends what the mode reads, and leaves defaults to the server', () => {
    expect(bodyOf('t2i')).toEqual({ mode: 't2i', prompt: 'an apple', n: 4, preview_every: 2 });
    expect(bodyOf('i2t')).toEqual({ mode: 'i2t', image: picture.url, n: 4 });
    expect(bodyOf('joint')).toEqual({ mode: 'joint', n: 6, preview_every: 2 });
    const chain = { mode: 'gibbs', prompt: 'an apple', image: picture.url, rounds: 5, preview_every: 2 };
    expect(bodyOf('gibbs', set('gibbs', { rounds: 5 }))).toEqual(chain);
  });

  it('sends what was set, and nothing that the mode does not show', () => {
    const options = { steps: 7, guidance: 1, solver: 'ddim', negative_prompt: ' red ', strength: 0.5 };
    const { strength: _, ...own } = { ...options, negative_prompt: 'red' };
    expect(bodyOf('t2i', { seed: 0, ...set('t2i', options) })).toMatchObject({ seed: 0, ...own });
    expect(bodyOf('t2i', set('t2i', options))).not.toHaveProperty('strength');
    expect(bodyOf('t', set('t', options))).not.toHaveProperty('guidance');
    expect(bodyOf('i2t', set('i2t', options))).not.toHaveProperty('negative_prompt');
    expect(bodyOf('joint', set('t2i', options))).not.toHaveProperty('steps');
  });

  it('mixes captions or pictures, never both', () => {
    expect(bodyOf('interpolate')).toMatchObject({ prompt: 'an apple', prompt2: 'a heart' });
    expect(bodyOf('interpolate')).not.toHaveProperty('image');
    const pictures = bodyOf('interpolate', { kind: 'pictures' });
    expect(pictures).toMatchObject({ image: picture.url, image2: picture.url });
    expect(pictures).not.toHaveProperty('prompt');
  });

  it('paints over with a caption or without one; gaps of a caption need no picture', () => {
    expect(bodyOf('inpaint')).toMatchObject({ image: picture.url, mask: picture.url, prompt: 'an apple' });
    expect(bodyOf('inpaint', { prompt: ' ' })).not.toHaveProperty('prompt');
    const gaps = { mode: 'inpaint', prompt: 'a _', n: 2, preview_every: 2 };
    expect(bodyOf('inpaint', { kind: 'words', prompt: 'a _' })).toEqual(gaps);
  });

  it('asks for an answer with what was set, lists line by line', () => {
    const own = { temperature: 0.5, stop: 'END\n\n too ' };
    const form = formOf('chat', { prompt: 'x', seed: 3, ...set('chat', own) }, talkingModel);
    const body = { mode: 'chat', seed: 3, temperature: 0.5, stop: ['END', ' too '], preview_every: 2 };
    expect(toBody(form, callIn('chat', talkingModel), talkingModel)).toEqual(body);
    const back = toForm({ mode: 'chat', request: { seed: 3, temperature: 0.5, stop: ['END', ' too '] } }, talkingModel);
    expect(back).toMatchObject({
      tab: 'chat',
      form: { seed: 3, options: { chat: { temperature: 0.5, stop: 'END\n too ' } } },
    });
  });

  it('asks models of other families for what they have', () => {
    const form = formOf('i2i', { ...filled, ...set('i2i', { width: 768, strength: 0.4 }) }, drawingModel);
    expect(toBody(form, callIn('i2i', drawingModel), drawingModel)).toEqual({
      mode: 'i2i',
      image: picture.url,
      prompt: 'an apple',
      n: 4,
      width: 768,
      strength: 0.4,
    });
  });
});

describe('missingInputs', () => {
  it.each<[string, Partial<Form>, readonly string[]]>([
    ['t2i', {}, ['prompt']],
    ['t2i', { prompt: '  ' }, ['prompt']],
    ['i2t', {}, ['image']],
    ['joint', {}, []],
    ['gibbs', {}, []],
    ['interpolate', { prompt: 'x' }, ['prompt2']],
    ['interpolate', { kind: 'pictures' }, ['image', 'image2']],
    ['inpaint', { image: picture }, ['mask']],
    ['inpaint', { kind: 'words' }, ['prompt']],
    ['inpaint', { kind: 'words', prompt: 'a snake_case' }, ['gap']],
    ['inpaint', { kind: 'words', prompt: 'a __ cat' }, []],
  ])('of %s with %j', (mode, fields, missing) => {
    expect(missingInputs(formOf(mode, fields), callIn(mode))).toEqual(missing);
  });
});

describe('callOf', () => {
  it('is the mode of the form, or the first of its tab where the model has no such mode', () => {
    expect(callOf('imagine', formOf('t'), known)?.mode).toBe('t');
    expect(callOf('imagine', emptyForm('imagine'), known)?.mode).toBe('joint');
    expect(callOf('vary', formOf('t2i2t'), drawingModel)?.mode).toBe('i2i');
    expect(callOf('draw', { ...emptyForm('draw'), mode: 'constructor' }, known)?.mode).toBe('t2i');
    expect(callOf('describe', emptyForm('describe'), drawingModel)).toBeUndefined();
  });
});

describe('options', () => {
  it('are kept by mode where they differ from the default', () => {
    const form = formOf('i2t2i', filled);
    const call = callIn('i2t2i');
    const changed = { ...form, ...withOption(form, call, 'strength', 0.5) };
    expect(optionValue(changed, call, 'strength')).toBe(0.5);
    expect(toBody(changed, call, known)).toMatchObject({ strength: 0.5 });
    expect(toBody({ ...changed, mode: 't2i' }, callIn('t2i'), known)).not.toHaveProperty('strength');
    const back = { ...changed, ...withOption(changed, call, 'strength', 1) };
    expect(optionValue(back, call, 'strength')).toBe(1);
    expect(toBody(back, call, known)).not.toHaveProperty('strength');
  });
});

const anyForm = fc
  .record({
    mode: fc.constantFrom(...known.modes),
    kind: fc.constantFrom<Form['kind']>('words', 'pictures'),
    seed: fc.option(fc.nat()),
    steps: fc.integer({ min: 1, max: 60 }),
    guidance: fc.double({ min: 0, max: 10, noNaN: true }),
    rounds: fc.integer({ min: 1, max: 9 }),
    n: fc.integer({ min: 1, max: 10 }),
    prompt: fc.constantFrom('an apple', 'a _ left of a dog'),
  })
  .map(({ mode, kind, seed, n, prompt, ...options }) =>
    formOf(mode, { ...filled, kind, seed, n, prompt, options: { [mode]: options } }),
  );

describe('toForm', () => {
  it('gives the form back that made a request', () => {
    fc.assert(
      fc.property(anyForm, form => {
        const call = callIn(form.mode);
        const body = toBody(form, call, known);
        const { image, image2, mask, mode, ...request } = body;
        const pictures = {
          image: image ? picture : null,
          image2: image2 ? picture : null,
          mask: mask ? picture : null,
        };
        const restored = toForm({ mode, request: { ...request, n: body['n'] ?? 1 } }, known, pictures)!;
        // A default that was set is as good as one that was not.
        const isSet = ([name, value]: [string, unknown]) => value !== call.call.defaults[name] || name === 'n';
        const entries = (sent: object) => Object.fromEntries(Object.entries(sent).filter(isSet));
        expect(entries(toBody(restored.form, call, known))).toEqual(entries(body));
      }),
    );
  });

  it('opens the tab of the mode, and knows no mode that the model lacks', () => {
    const tabs = ['t2i', 't2i2t', 'gibbs'].map(mode => toForm({ mode, request: {} }, known)?.tab);
    expect(tabs).toEqual(['draw', 'vary', 'imagine']);
    expect(toForm({ mode: 't2i2t', request: {} }, drawingModel)).toBeUndefined();
    expect(toForm({ mode: 'constructor', request: {} }, drawingModel)).toBeUndefined();
  });

  it('takes no option that the call does not have, nor anything but values', () => {
    const request = { prompt: 'x', strength: 0.5, sparkle: 2, rendering: {}, steps: { length: 3 }, guidance: 2 };
    expect(toForm({ mode: 't2i', request }, known)?.form.options).toEqual({ t2i: { guidance: 2 } });
  });
});
