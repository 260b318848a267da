import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MeasuredLimit } from './batch-limit.ts';

/** Feeds full calls until the limit stays the same. */
function settleAt(milliseconds: (rows: number) => number): number {
  const limit = new MeasuredLimit();
  for (let call = 0; call < 40; call++) limit.seen(limit.rows, milliseconds(limit.rows));
  return limit.rows;
}

describe('the measured limit', () => {
  it('stays small where more rows are no quicker', () => {
    expect(settleAt(rows => 50 * rows)).toBe(8);
  });

  it('grows as long as it pays', () => {
    expect(settleAt(rows => 5 + 0.01 * rows)).toBe(256);
    expect(settleAt(rows => Math.max(rows, 32))).toBe(32);
  });

  it('is not misled by calls that something else made late, nor by small ones', () => {
    const limit = new MeasuredLimit();
    for (let call = 0; call < 40; call++) {
      limit.seen(limit.rows, (call % 3 === 0 ? 1 : 7) * Math.max(limit.rows, 32));
      limit.seen(1, 1000);
    }
    expect(limit.rows).toBe(32);
  });

  it('is always within its bounds', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 300 }), fc.double({ min: 0, max: 1e4, noNaN: true }))),
        calls => {
          const limit = new MeasuredLimit();
          for (const [rows, milliseconds] of calls) limit.seen(rows, milliseconds);
          expect(limit.rows).toBeGreaterThanOrEqual(8);
          expect(limit.rows).toBeLessThanOrEqual(256);
        },
      ),
    );
  });
});
