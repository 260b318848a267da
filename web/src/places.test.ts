import { describe, expect, it } from 'vitest';
import { tabIds } from './calls.ts';
import { addressOf, type Place, placeOf } from './places.ts';

const at = (address: string) => placeOf(new URL(address, 'http://127.0.0.1:7860'));

describe('places', () => {
  it.each(
    tabIds.flatMap((tab): Place[] => [
      { tab, over: null },
      { tab, over: 'code' },
      { tab, over: { jobId: 'job_a&b=c', index: 3 } },
    ]),
  )('have an address that leads back to them: %o', place => {
    expect(at(addressOf(place))).toEqual(place);
  });

  it('begin with drawing', () => {
    expect(at('/')).toEqual({ tab: 'draw', over: null });
  });

  it('are found by a path with a slash at its end, and by the names that links had before', () => {
    expect(at('/vary/').tab).toBe('vary');
    expect(at('/#imagine').tab).toBe('imagine');
  });

  it('are found by a short link to a job', () => {
    expect(at('/#job/job_abc')).toEqual({ tab: 'draw', over: { jobId: 'job_abc', index: 0 } });
    expect(at('/vary#job/job_abc')).toEqual({ tab: 'vary', over: { jobId: 'job_abc', index: 0 } });
    expect(at('/#job/').over).toBeNull();
  });

  it('are the nearest where an address says nonsense', () => {
    expect(at('/draw?job=&sample=2').over).toBeNull();
    expect(at('/draw?job=a&sample=-2').over).toEqual({ jobId: 'a', index: 0 });
    expect(at('/draw?job=a&sample=x').over).toEqual({ jobId: 'a', index: 0 });
    expect(at('/constructor').tab).toBe('draw');
  });
});
