import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const script = fileURLToPath(new URL('./many-cycles.ts', import.meta.url));

test('200 cycles of compile, run and release do not grow the memory of either process, and the process ends by itself', async () => {
  // The time limit kills a process that does not end: execFile then rejects.
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', '--import', 'tsx', script], {
    timeout: 100_000,
  });
  const [early, late] = JSON.parse(stdout) as [number, number];
  // A leak of the weights alone would be 4 MB x 150 = 600 MB.
  expect(late - early).toBeLessThan(60);
});
