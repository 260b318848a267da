import { describe, expect, it } from 'vitest';
import { createPress } from './presses.ts';

/** Counts what presses set off, at times that the test chooses; each is answered when the test says so. */
function setUp() {
  const clock = { now: 1_000_000 };
  const press = createPress(() => clock.now);
  const answers: (() => void)[] = [];
  const act = () => new Promise<void>(resolve => answers.push(resolve));
  return { clock, press, answers, act };
}

describe('presses', () => {
  it('count once while the first is being answered, however long that takes', () => {
    const { clock, press, answers, act } = setUp();
    const form = {};
    void press('draw', form, act);
    clock.now += 60_000;
    void press('draw', form, act);
    expect(answers.length).toBe(1);
  });

  it('count once if they follow one another quickly, though the answer came in between', async () => {
    const { clock, press, answers, act } = setUp();
    const form = {};
    const first = press('draw', form, act);
    answers[0]!();
    await first;
    for (let time = 0; time < 4; time++) {
      clock.now += 400;
      await press('draw', form, act);
    }
    expect(answers.length).toBe(1);
    clock.now += 700;
    void press('draw', form, act);
    expect(answers.length).toBe(2);
  });

  it('count each if they are for different things', () => {
    const { press, answers, act } = setUp();
    void press('draw', {}, act);
    void press('draw', {}, act);
    void press('vary', {}, act);
    expect(answers.length).toBe(3);
  });

  it('count again after one that failed, and when the clock was set back', async () => {
    const { clock, press, answers, act } = setUp();
    const form = {};
    await expect(press('draw', form, () => Promise.reject(new Error('away')))).rejects.toThrow('away');
    clock.now -= 3_600_000;
    void press('draw', form, act);
    expect(answers.length).toBe(1);
  });
});
