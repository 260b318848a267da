import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'server/**/*.test.ts', 'web/**/*.test.ts', 'test/**/*.test.ts'],
    // The native inference addon must not be shared between test files of one process.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Recorded graphs of tests stay out of the user's cache.
    env: { DUET_CACHE: join(tmpdir(), 'duet-test-cache') },
  },
});
