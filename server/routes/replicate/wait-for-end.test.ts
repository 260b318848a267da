import { describe, expect, it } from 'vitest';
import { secondsToWait } from './wait-for-end.ts';

describe('secondsToWait', () => {
  it.each([
    [undefined, 0],
    ['', 0],
    ['respond-async', 0],
    ['wait', 60],
    ['wait=5', 5],
    ['Wait=0', 0],
    ['respond-async, wait=10', 10],
    ['wait=10; x=y', 10],
    ['wait=999999999', 600],
    ['wait=-1', 0],
    ['wait=many', 0],
    ['await=5', 0],
    ['wait=99999999999999999999', 0],
  ])('of %j is %d', (prefer, seconds) => {
    expect(secondsToWait({ headers: prefer === undefined ? {} : { prefer } })).toBe(seconds);
  });
});
