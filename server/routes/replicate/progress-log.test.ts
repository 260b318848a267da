import fc from 'fast-check';
import { parseProgressFromLogs } from 'replicate';
import { describe, expect, it } from 'vitest';
import type { JobView } from '../../jobs/types.ts';
import { progressLog } from './progress-log.ts';

const view: JobView = {
  id: 'job_1',
  owner: 'anonymous',
  mode: 't2i',
  status: 'running',
  created: 0,
  started: 1000,
  position: null,
  progress: { step: 9, steps: 20, etaMs: 61_000 },
  request: { mode: 't2i', seed: 7 },
  inputs: [],
};

describe('progressLog', () => {
  it('draws what tqdm draws', () => {
    expect(progressLog(view, 20, 51_000)).toBe('Using seed: 7\n 45%|####5     | 9/20 [00:50<01:01]\n');
    const first = { ...view, progress: { step: 0, steps: 20, etaMs: null } };
    expect(progressLog(first, 20, 1000)).toBe('Using seed: 7\n  0%|          | 0/20 [00:00<?]\n');
    const done: JobView = { ...view, status: 'succeeded', progress: null, ended: 3000 };
    expect(progressLog(done, 20)).toBe('Using seed: 7\n100%|##########| 20/20 [00:02<00:00]\n');
    expect(progressLog({ ...view, status: 'failed', progress: null }, 20)).toBe('Using seed: 7\n');
  });

  it('is read back by Replicate’s client at any step', () => {
    const course = fc
      .integer({ min: 1, max: 1000 })
      .chain(steps => fc.tuple(fc.nat({ max: steps }), fc.constant(steps)));
    fc.assert(
      fc.property(course, fc.option(fc.nat()), ([step, steps], etaMs) => {
        const log = progressLog({ ...view, progress: { step, steps, etaMs } }, steps);
        const read = parseProgressFromLogs(log);
        expect(read).toEqual({ percentage: Math.floor((100 * step) / steps) / 100, current: step, total: steps });
        expect(/\|(.*)\|/.exec(log)?.[1]).toHaveLength(10);
      }),
    );
  });
});
