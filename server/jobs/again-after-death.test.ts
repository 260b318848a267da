import { describe, expect, it } from 'vitest';
import { DuetError } from '../../src/core/errors.ts';
import { againAfterDeath } from './again-after-death.ts';

const died = () => new DuetError('worker-died', 'signal SIGKILL');
const never = new AbortController().signal;

/** Fails with the errors in turn, then succeeds. */
function computing(...errors: Error[]) {
  const calls = { count: 0 };
  const compute = async () => {
    const error = errors[calls.count++];
    if (error) throw error;
    return 'done';
  };
  return { calls, compute };
}

describe('a job during which the inference process dies', () => {
  it('is computed again', async () => {
    const { compute, calls } = computing(died(), died());
    expect(await againAfterDeath(compute, never)).toBe('done');
    expect(calls.count).toBe(3);
  });

  it('fails the third time, and says so', async () => {
    const { compute, calls } = computing(died(), died(), died());
    await expect(againAfterDeath(compute, never)).rejects.toMatchObject({
      code: 'worker-died',
      message: expect.stringContaining('died 3 times while this job was computed'),
    });
    expect(calls.count).toBe(3);
  });

  it('does not take others down with it: after two deaths each is computed alone', async () => {
    let computing = 0;
    let isPoisonComputed = false;
    /** Kills the process when its turn comes; everybody who is computed then sees it. */
    const poison = async () => {
      isPoisonComputed = true;
      computing++;
      await Promise.resolve();
      computing--;
      isPoisonComputed = false;
      throw died();
    };
    const innocent = async () => {
      computing++;
      const isHit = isPoisonComputed || computing > 1;
      await Promise.resolve();
      computing--;
      if (isHit) throw died();
      return 'done';
    };
    const results = await Promise.allSettled([againAfterDeath(poison, never), againAfterDeath(innocent, never)]);
    expect(results).toMatchObject([{ status: 'rejected' }, { status: 'fulfilled', value: 'done' }]);
  });

  it('is not computed again once it is cancelled', async () => {
    const controller = new AbortController();
    const compute = async () => {
      controller.abort(new DuetError('cancelled', 'The job was cancelled'));
      throw died();
    };
    await expect(againAfterDeath(compute, controller.signal)).rejects.toMatchObject({ code: 'cancelled' });
  });
});

it('other errors are not tried again', async () => {
  const { compute, calls } = computing(new DuetError('invalid-image', 'no picture'));
  await expect(againAfterDeath(compute, never)).rejects.toMatchObject({ code: 'invalid-image' });
  expect(calls.count).toBe(1);
});
