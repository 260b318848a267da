import { describe, expect, test } from 'vitest';
import type { CaseResult } from './compare.ts';
import { readGolden } from './harness.ts';
import { listGoldenFiles, loadSuites } from './suites.ts';

const suites = await loadSuites();

describe.each((await listGoldenFiles()).filter(file => suites.has(file)))('%s', file => {
  test.each(['reference', 'cpu'] as const)('%s', async backend => {
    const results = await suites.get(file)!.run(await readGolden(file), backend);
    expect(results.length).toBeGreaterThan(0);
    const failures = results.filter(({ pass }) => !pass).map(({ name, detail }: CaseResult) => `${name}: ${detail}`);
    expect(failures).toEqual([]);
  });
});
