import { expect, test } from 'vitest';
import { nodeTimes, timesText } from './node-times.ts';

const node = (name: string, op: string, dur: number) =>
  `${JSON.stringify({ cat: 'Node', dur, name, args: { op_name: op } })},`;

const trace = [
  '[',
  `${JSON.stringify({ cat: 'Session', dur: 9999, name: 'model_run', args: {} })},`,
  node('Add_1_kernel_time', 'Add', 100),
  node('Add_2_kernel_time', 'Add', 50),
  node('MatMul_0_kernel_time', 'MatMul', 800),
  node('MatMul_0_fence_before', 'MatMul', 7777),
  node('Add_1_kernel_time', 'Add', 50).slice(0, -1),
  ']',
];

test('sums by node and by operator, the slowest first', async () => {
  const times = await nodeTimes(trace);
  expect(times.byOp).toEqual([
    { name: 'MatMul', calls: 1, microseconds: 800 },
    { name: 'Add', calls: 3, microseconds: 200 },
  ]);
  expect(times.byNode.map(({ name, calls, microseconds }) => [name, calls, microseconds])).toEqual([
    ['MatMul_0', 1, 800],
    ['Add_1', 2, 150],
    ['Add_2', 1, 50],
  ]);
  expect(timesText(times)).toBe(
    [
      '1.000 ms in all nodes',
      '',
      '          ms   share    calls  operator',
      '       0.800   80.0%        1  MatMul',
      '       0.200   20.0%        3  Add',
      '',
      '          ms   share    calls  node',
      '       0.800   80.0%        1  MatMul_0',
      '       0.150   15.0%        2  Add_1',
      '       0.050    5.0%        1  Add_2',
      '',
    ].join('\n'),
  );
});

test('a session that never ran, and one whose profile was full', async () => {
  const none = await nodeTimes(['[', ']']);
  expect(timesText(none)).toMatch(/^0.000 ms in all nodes\n/);
  expect(timesText({ ...none, isComplete: false })).toContain('was full');
});
