import { expect, test } from 'vitest';
import { float32 } from '../../core/host-tensor.ts';
import { SequenceMemory } from './sequence-memory.ts';

const layout = { key: { dtype: 'float32', shape: [2] } } as const;
/** Bytes of a position. */
const position = 8;

function memory(maxBytes = 1e6): SequenceMemory {
  const store: SequenceMemory = new SequenceMemory(layout, growth => {
    if (store.bytes + growth > maxBytes) throw new Error('there is no room');
  });
  return store;
}
const added = (rows: number, positions: number, value = 1) => ({
  key: float32([rows, positions, 2], new Float32Array(rows * positions * 2).fill(value)),
});
const held = (store: SequenceMemory, id: number) => [...store.gather([id])['key']!.data];

test('one sequence is read where it lies and grows in blocks', () => {
  const store = memory();
  store.append([1], added(1, 20));
  expect(store.bytes).toBe(32 * position);
  const [before, after] = [store.gather([1])['key']!, store.gather([1])['key']!];
  expect(after.data.buffer).toBe(before.data.buffer);
  expect(before.shape).toEqual([1, 20, 2]);
  store.append([1], added(1, 13));
  expect(store.bytes).toBe(64 * position);
  for (let i = 0; i < 40; i++) store.append([1], added(1, 32));
  // Twice as large as needed only while it is small.
  expect(store.bytes).toBeLessThan((33 + 40 * 32 + 256 + 16) * position);
});

test('forks share what they have in common, and the first to go on copies nothing', () => {
  const store = memory();
  store.append([1], added(1, 30, 1));
  store.apply([
    ['fork', 1, 2],
    ['fork', 1, 3],
  ]);
  expect(store.bytes).toBe(32 * position);
  store.append([2], added(1, 2, 2));
  expect(store.bytes).toBe(32 * position);
  store.append([1, 3], added(2, 1, 3));
  expect(store.bytes).toBe((32 + 16 + 16) * position);
  const common = new Array<number>(60).fill(1);
  expect(held(store, 1)).toEqual([...common, 3, 3]);
  expect(held(store, 2)).toEqual([...common, 2, 2, 2, 2]);
  expect(held(store, 3)).toEqual([...common, 3, 3]);
  store.apply([
    ['drop', 1],
    ['drop', 2],
    ['drop', 3],
    ['drop', 3],
  ]);
  expect(store.bytes).toBe(0);
});

test('rows that are shorter end in zeros, whatever was there before', () => {
  const store = memory();
  store.append([1, 2], added(2, 3, Number.NaN));
  store.gather([1, 2]);
  store.append([3], added(1, 1, 5));
  const { key, pastLengths } = store.gather([3, 1]);
  expect([...pastLengths!.data]).toEqual([1, 3]);
  expect([...key!.data.subarray(0, 6)]).toEqual([5, 5, 0, 0, 0, 0]);
});

test('a refusal changes nothing', () => {
  const store = memory(120 * position);
  store.append([1], added(1, 16));
  store.apply([['fork', 1, 2]]);
  expect(() => store.append([1, 2], added(2, 60))).toThrow('there is no room');
  expect(store.bytes).toBe(16 * position);
  expect(held(store, 2)).toHaveLength(32);
  store.append([1], added(1, 16));
  expect(held(store, 1)).toHaveLength(64);
});

test('sequences side by side take memory as well, which small calls give back', () => {
  const store = memory(760 * position);
  store.append([1, 2, 3], added(3, 100));
  expect(store.bytes).toBe(3 * 112 * position);
  // What a row has is rounded up to a multiple of 64 positions.
  store.gather([1, 2, 3]);
  expect(store.bytes).toBe((3 * 112 + 3 * 128) * position);
  store.append([4, 5], added(2, 1));
  expect(() => store.gather([1, 2, 3, 4])).toThrow('there is no room');
  expect(store.bytes).toBe((3 * 112 + 2 * 16 + 3 * 128) * position);
  store.gather([4, 5]);
  expect(store.bytes).toBe((3 * 112 + 2 * 16 + 2 * 64) * position);
});
