import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createBetas, discreteTable, finiteLevel } from './discrete-schedule.ts';
import { continuousTable, cosine, levelOf, type Schedule, vpLinear } from './schedule.ts';
import { createSchedule } from './schedule-config.ts';

const betas = createBetas();
const continuous = { 'continuous-table': continuousTable(betas), cosine: cosine(), 'vp-linear': vpLinear() };
const all: Record<string, Schedule> = { ...continuous, 'discrete-table': discreteTable() };

const timeIn = ({ tMin, tMax, isDiscrete }: Schedule) =>
  isDiscrete ? fc.integer({ min: tMin, max: tMax }) : fc.double({ min: tMin, max: tMax, noNaN: true });

describe.each(Object.entries(all))('%s', (_, schedule) => {
  test('preserves variance and agrees with itself on lambda', () => {
    fc.assert(
      fc.property(timeIn(schedule), t => {
        const { alpha, sigma, lambda } = schedule.at(t);
        expect(alpha ** 2 + sigma ** 2).toBeCloseTo(1, 12);
        expect(lambda).toBeCloseTo(Math.log(alpha / sigma), 6);
      }),
    );
  });

  test('gets noisier with time', () => {
    fc.assert(
      fc.property(timeIn(schedule), timeIn(schedule), (a, b) => {
        fc.pre(Math.abs(a - b) > 1e-6);
        expect(Math.sign(schedule.at(a).lambda - schedule.at(b).lambda)).toBe(Math.sign(b - a));
      }),
    );
  });

  test('timeOf inverts at', () => {
    fc.assert(
      fc.property(timeIn(schedule), t => {
        // The discrete table is rounded to single precision, as torch rounds it.
        expect(schedule.timeOf(schedule.at(t).lambda)).toBeCloseTo(t, schedule.isDiscrete ? 3 : 6);
      }),
    );
  });
});

test('the tables have the levels of Stable Diffusion', () => {
  const [table, discrete] = [continuousTable(betas), discreteTable()];
  expect(table.at(1000).alpha).toBeCloseTo(0.0682649142, 9);
  expect(table.at(500).alpha ** 2).toBeCloseTo(0.2776696505, 9);
  expect(table.at(980.4).lambda).toBeCloseTo(-2.5647164112, 9);
  expect(table.timeOf(4)).toBeCloseTo(0.3977585, 6);
  for (const t of [0, 20, 999]) expect(discrete.at(t).alpha).toBeCloseTo(table.at(t + 1).alpha, 7);
  expect(discrete.at(20.5).sigma / discrete.at(20.5).alpha).toBeCloseTo(
    (discrete.at(20).sigma / discrete.at(20).alpha + discrete.at(21).sigma / discrete.at(21).alpha) / 2,
    6,
  );
});

test('a discrete table does not go beyond its ends, and rounds timesteps of levels between', () => {
  const discrete = discreteTable();
  expect(() => discrete.at(999.5)).toThrow('the timesteps 0 to 999, got 999.5');
  expect(() => discrete.at(-1)).toThrow('got -1');
  const { lambda } = discrete.at(7.3);
  expect(levelOf(discrete, lambda)).toMatchObject({ t: 7, lambda });
  expect([discrete.timeOf(100), discrete.timeOf(-100)]).toEqual([0, 999]);
});

test('the cosine schedule is cos(pi t / 2) with clamped ends', () => {
  const schedule = cosine();
  for (const t of [100, 500, 900]) expect(schedule.at(t).alpha).toBeCloseTo(Math.cos((Math.PI * t) / 2000), 4);
  expect(schedule.at(0).lambda).toBeCloseTo(10, 6);
  expect(schedule.at(1000).lambda).toBeCloseTo(-10, 6);
});

test('linear and squared-cosine betas', () => {
  const linear = createBetas({ schedule: 'linear', start: 1e-4, end: 0.02 });
  expect([linear[0], linear[999]]).toEqual([1e-4, 0.02]);
  const squared = createBetas({ schedule: 'squaredcos_cap_v2' });
  expect(squared[999]).toBe(0.999);
  expect(discreteTable({ schedule: 'squaredcos_cap_v2' }).at(500).alpha).toBeCloseTo(cosine().at(500).alpha, 1);
});

test('the terminal signal-to-noise ratio can be zero', () => {
  const [plain, rescaled] = [discreteTable(), discreteTable({ zeroTerminalSnr: true })];
  expect(rescaled.at(999)).toMatchObject({ alpha: 0, sigma: 1 });
  expect(rescaled.at(0).alpha).toBeCloseTo(plain.at(0).alpha, 6);
  expect(finiteLevel(rescaled.at(999)).sigma / finiteLevel(rescaled.at(999)).alpha).toBeCloseTo(4096, 0);
  expect(finiteLevel(rescaled.at(998))).toBe(rescaled.at(998));
});

test('variances can be given one by one', () => {
  const given = discreteTable({ values: [0.1, 0.2] });
  expect(given.at(1).alpha ** 2).toBeCloseTo(0.72, 6);
});

test('createSchedule makes each schedule from its configuration', () => {
  expect(createSchedule({ kind: 'cosine', lambdaMax: 8 }).at(0).lambda).toBeCloseTo(8, 6);
  expect(createSchedule({ kind: 'discrete-table', betas: { count: 10 } }).tMax).toBe(9);
  expect(createSchedule({ kind: 'continuous-table' }).tMax).toBe(1000);
  expect(createSchedule({ kind: 'vp-linear' }).tMax).toBe(999);
});
