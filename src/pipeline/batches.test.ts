import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bucketChunks, inBuckets, stackRows, unstackRows } from './batches.ts';
import { denormaliseLatent, normaliseLatent } from './statistics.ts';

const sizes = [1, 2, 4, 6];

describe('buckets', () => {
  it('keeps every row once, in order, in chunks of the listed sizes', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { maxLength: 30 }), rows => {
        const chunks = bucketChunks(rows, sizes);
        expect(chunks.flatMap(({ rows: padded, count }) => padded.slice(0, count))).toEqual(rows);
        for (const chunk of chunks) expect(sizes).toContain(chunk.rows.length);
      }),
    );
  });

  it('answers each row whatever the padding', async () => {
    const seen: number[] = [];
    const doubled = await inBuckets([1, 2, 3, 4, 5, 6, 7, 8, 9], sizes, async rows => {
      seen.push(rows.length);
      return rows.map(row => row * 2);
    });
    expect(doubled).toEqual([2, 4, 6, 8, 10, 12, 14, 16, 18]);
    expect(seen).toEqual([6, 4]);
  });

  it('stacks rows and takes them apart', () => {
    const rows = [Float32Array.of(1, 2), Float32Array.of(3, 4)];
    const stacked = stackRows(rows, [2, 1]);
    expect(stacked.shape).toEqual([2, 2, 1]);
    expect(unstackRows(stacked)).toEqual(rows);
  });
});

describe('latent statistics', () => {
  it('work per channel, planes and last axes alike', () => {
    const statistics = { mean: [0, 10], std: [1, 2] };
    expect([...normaliseLatent(Float32Array.of(1, 2, 12, 14), statistics, 2)]).toEqual([1, 2, 1, 2]);
    expect([...normaliseLatent(Float32Array.of(1, 12, 2, 14), statistics, 1)]).toEqual([1, 1, 2, 2]);
    const values = Float32Array.of(1, 12, 2, 14);
    expect(denormaliseLatent(normaliseLatent(values, statistics, 1), statistics, 1)).toEqual(values);
  });
});
