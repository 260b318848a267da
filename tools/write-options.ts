/** Writes docs/options.md. */
import { writeFile } from 'node:fs/promises';
import { optionsDocument } from './options-document.ts';

await writeFile(new URL('../docs/options.md', import.meta.url), await optionsDocument());
