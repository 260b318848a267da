/** docs/options.md is what would be written now. */
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { optionsDocument } from '../tools/options-document.ts';

it('is up to date: npm run docs writes it', async () => {
  expect(await readFile(new URL('../docs/options.md', import.meta.url), 'utf8')).toBe(await optionsDocument());
});
