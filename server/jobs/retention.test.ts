import { describe, expect, it } from 'vitest';
import type { Timings } from '../../src/pipelines/index.ts';
import { newRecord } from './records.ts';
import { expiredJobs } from './retention.ts';
import type { JobRecord } from './store.ts';

const unlimited = { maxAgeMs: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY, maxJobs: 100 };

function ended(at: number | undefined, bytes = 10): JobRecord {
  const { record } = newRecord({ mode: 't' }, { owner: 'tester', isAwaited: false }, 0);
  return { ...record, bytes, ...(at !== undefined && { ended: at }) };
}

describe('expiredJobs', () => {
  const records = [ended(1), ended(undefined), ended(2), ended(3, 50)];
  const idsAt = (...indices: number[]) => indices.map(index => records[index]!.id);

  it('leaves what is within all limits', () => {
    expect(expiredJobs(records, unlimited, 1000)).toEqual([]);
    expect(expiredJobs([], unlimited, 1000)).toEqual([]);
  });

  it('takes what is too old, never what is not over', () => {
    expect(expiredJobs(records, { ...unlimited, maxAgeMs: 10 }, 12)).toEqual(idsAt(0));
    expect(expiredJobs(records, { ...unlimited, maxAgeMs: 0 }, 1000)).toEqual(idsAt(0, 2, 3));
  });

  it('takes the oldest until number and size fit', () => {
    expect(expiredJobs(records, { ...unlimited, maxJobs: 2 }, 0)).toEqual(idsAt(0, 2));
    expect(expiredJobs(records, { ...unlimited, maxBytes: 70 }, 0)).toEqual(idsAt(0));
    expect(expiredJobs(records, { ...unlimited, maxBytes: 0 }, 0)).toEqual(idsAt(0, 2, 3));
  });

  it('takes those with a favourite last, and never for their age', () => {
    const samples = [{ seed: 1 }, { seed: 2, favourite: true as const }];
    const result = { id: '', samples, unknownWords: [], captionCut: false, timings: { total: 1 } as Timings };
    const [favourite, ...others] = records.with(0, { ...records[0]!, result });
    const kept = [favourite!, ...others];
    expect(expiredJobs(kept, { ...unlimited, maxAgeMs: 0 }, 1000)).toEqual(idsAt(2, 3));
    expect(expiredJobs(kept, { ...unlimited, maxJobs: 3 }, 0)).toEqual(idsAt(2));
    expect(expiredJobs(kept, { ...unlimited, maxBytes: 0 }, 0)).toEqual(idsAt(2, 3, 0));
  });
});
