import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { lowerings } from './index.ts';
import type { Lowering } from './lowering.ts';

const folder = new URL('.', import.meta.url);
const files = readdirSync(folder);

describe('the table of lowerings', async () => {
  const sources = files.filter(file => file.endsWith('.ts') && !file.endsWith('.test.ts') && file !== 'index.ts');
  const tables: { file: string; kernels: string[] }[] = [];
  for (const file of sources) {
    const exported: Record<string, unknown> = await import(new URL(file, folder).href);
    const kernels = Object.values(exported).flatMap(value =>
      typeof value === 'object' && value !== null ? Object.keys(value as Record<string, Lowering>) : [],
    );
    if (kernels.length > 0) tables.push({ file, kernels });
  }

  test('holds every kernel of every file once', () => {
    const all = tables.flatMap(({ kernels }) => kernels);
    expect(new Set(all).size).toBe(all.length);
    expect(Object.keys(lowerings).sort()).toEqual(all.sort());
  });

  test.each(tables)('$file has its rows of cases beside it', ({ file }) => {
    expect(files).toContain(file.replace(/\.ts$/, '.test.ts'));
  });
});
