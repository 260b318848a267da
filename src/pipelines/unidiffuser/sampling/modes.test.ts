import { expect, test } from 'vitest';
import { type Mode, modes, neededBy, roles, stagesOf, unconditionalPass } from './modes.ts';

test('the unconditional passes follow from the table', () => {
  const passes = (mode: keyof typeof roles, negative = false) => [
    unconditionalPass(roles[mode], 'image', negative),
    unconditionalPass(roles[mode], 'text', negative),
  ];
  const [onlyImage, onlyText] = [roles.i, roles.t];
  expect(passes('t2i')).toEqual([onlyImage, undefined]);
  expect(passes('i2t')).toEqual([undefined, onlyText]);
  expect(passes('joint')).toEqual([onlyImage, onlyText]);
  expect(passes('i')).toEqual([undefined, undefined]);
  expect(passes('t')).toEqual([undefined, undefined]);
  expect(passes('t2i', true)).toEqual([{ image: 'sampled', text: 'negative' }, undefined]);
  expect(passes('joint', true)).toEqual([onlyImage, onlyText]);
});

test('variations are chains of two runs that fit together', () => {
  for (const mode of modes) {
    const [first, second] = stagesOf(mode);
    if (second) for (const modality of neededBy(second)) expect(roles[first!][modality]).toBe('sampled');
  }
  expect(modes.filter(mode => stagesOf(mode).length === 2)).toEqual(['i2t2i', 't2i2t']);
});

test('what a mode needs', () => {
  const needs = Object.fromEntries(modes.map(mode => [mode, neededBy(mode).join()]));
  expect(needs).toEqual({ t2i: 'text', i2t: 'image', joint: '', i: '', t: '', i2t2i: 'image', t2i2t: 'text' });
});

test('an unknown mode is refused with the known ones', () => {
  expect(() => stagesOf('t2v' as Mode)).toThrow(
    'Unknown mode "t2v"; the modes are t2i, i2t, joint, i, t, i2t2i, t2i2t',
  );
  expect(() => stagesOf('toString' as Mode)).toThrow('Unknown mode');
});
