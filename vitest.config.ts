import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** Tests beside the source that train, or run processes, Redis, many hostile requests or whole models: they take long. */
const slow = [
  'src/cli/train.test.ts',
  'src/emoji/measures/evaluate.test.ts',
  'src/engine/runtime/session-host.test.ts',
  'src/train/{kill,objectives,step}.test.ts',
  'src/train/stages/{chat,minigpt5,unet}.test.ts',
  'server/{hostile-bodies,hostile-connections,hostile-images,real-model}.test.ts',
  'server/jobs/redis/*.test.ts',
  'server/jobs/s3-store.test.ts',
];

export default defineConfig({
  test: {
    // Programs are recorded on a tfjs backend that is global to its process; test files must not share it.
    pool: 'forks',
    maxWorkers: 2,
    // They end what hangs; what is only slow, on a slow machine with both cores kept busy, must not come near them.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    // Recorded graphs of tests stay out of the user's cache.
    env: { DUET_CACHE: join(tmpdir(), 'duet-test-cache') },
    // `npm run test:unit` is the first of these; `npm test` is all.
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{src,server,web,bench}/**/*.test.ts'],
          exclude: ['**/node_modules/**', ...slow],
        },
      },
      { extends: true, test: { name: 'golden', include: ['test/golden/**/*.test.ts'] } },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: [...slow, 'test/**/*.test.ts'],
          exclude: ['**/node_modules/**', 'test/golden/**'],
        },
      },
    ],
  },
});
