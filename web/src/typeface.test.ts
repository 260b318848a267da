import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { expect, it } from 'vitest';

it('the typeface is shipped with its licence', async () => {
  const { resolve } = createRequire(import.meta.url);
  const own = await readFile(new URL('../public/licences/newsreader.txt', import.meta.url), 'utf8');
  expect(own).toBe(await readFile(resolve('@fontsource-variable/newsreader/LICENSE'), 'utf8'));
  expect(own).toContain('SIL OPEN FONT LICENSE Version 1.1');
});
