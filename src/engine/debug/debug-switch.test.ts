import { expect, test, vi } from 'vitest';
import { compile } from '../index.ts';
import { debugFolder, debugKinds } from './debug-switch.ts';

test('lists of words; none without the variable', () => {
  expect(debugKinds({})).toEqual(new Set());
  expect(debugKinds({ DUET_DEBUG: '' })).toEqual(new Set());
  expect(debugKinds({ DUET_DEBUG: 'graphs' })).toEqual(new Set(['graphs']));
  expect(debugKinds({ DUET_DEBUG: ' times, graphs,times,' })).toEqual(new Set(['times', 'graphs']));
  expect(debugFolder({})).toBe('duet-debug');
  expect(debugFolder({ DUET_DEBUG_FOLDER: '/x/y' })).toBe('/x/y');
});

test.each(['graph', 'Graphs', 'graphs times', '2', 'toString', 'graphs,all'])('%j is refused', words => {
  const refused = {
    code: 'invalid-config',
    message: expect.stringMatching(/DUET_DEBUG lists.*"graphs".*"times".*"compare"/),
  };
  expect(() => debugKinds({ DUET_DEBUG: words })).toThrow(expect.objectContaining(refused));
});

test('a program is not compiled under an unknown word, on any device', async () => {
  vi.stubEnv('DUET_DEBUG', 'everything');
  const compiled = compile(() => ({ outputs: {} }), { inputs: {} }, { device: 'reference' });
  await expect(compiled).rejects.toMatchObject({ code: 'invalid-config', message: /"everything"/ });
  vi.unstubAllEnvs();
});
