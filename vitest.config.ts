import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    // The native inference addon must not be shared between test files of one process.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
  },
});
