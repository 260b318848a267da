/** Requests taken apart into record and files, and put together again. */
import { expect, it } from 'vitest';
import { separateFiles, withFiles } from './given-files.ts';
import type { JobRequest } from './types.ts';

it('gives the same request again, with the pictures of a dialogue in their order', () => {
  const pictures = Array.from({ length: 12 }, (_, index) => Uint8Array.of(index));
  const content = pictures.map((_, picture) => ({ type: 'image', picture }) as const);
  const dialogue: JobRequest = { mode: 'chat', messages: [{ role: 'user', content }], pictures, seed: 1 };
  const drawing: JobRequest = { mode: 'inpaint', image: Uint8Array.of(1), mask: Uint8Array.of(2), prompt: 'a' };
  for (const request of [dialogue, drawing]) {
    const { shown, files } = separateFiles(request);
    expect(Object.values(shown).some(value => value instanceof Uint8Array)).toBe(false);
    // As a store gives them: by the names in the record.
    const stored = Object.fromEntries(Object.keys(files).map(name => [name, files[name]!]));
    expect(withFiles(JSON.parse(JSON.stringify(shown)), stored)).toEqual(request);
  }
  expect(Object.keys(separateFiles(dialogue).files).slice(0, 2)).toEqual(['picture0', 'picture1']);
});
