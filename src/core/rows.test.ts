import { expect, it } from 'vitest';
import { stackRows, unstackRows } from './rows.ts';

it('stacks rows and takes them apart', () => {
  const rows = [Float32Array.of(1, 2), Float32Array.of(3, 4)];
  const stacked = stackRows(rows, [2, 1]);
  expect(stacked.shape).toEqual([2, 2, 1]);
  expect(unstackRows(stacked)).toEqual(rows);
});
