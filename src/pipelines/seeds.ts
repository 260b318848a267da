/** Seeds of all families: sample i of a call is made from seed + i alone. */
import { randomInt } from 'node:crypto';
import { DuetError } from '../core/errors.ts';

/** Seeds are 32 bits wide, as in torch's generator. */
export const seedLimit = 2 ** 32;

/** A random seed for a call of `n` samples. */
export function drawSeed(n: number): number {
  return randomInt(seedLimit - n);
}

/** Throws DuetError 'invalid-argument' unless the seeds of all `n` samples from `seed` on fit. */
export function checkSeeds(seed: number, n: number): void {
  if (seed + n <= seedLimit) return;
  const most = seedLimit - n;
  throw new DuetError(
    'invalid-argument',
    `seed must be a whole number from 0 to ${most} where n is ${n}, got ${seed}`,
    {
      field: 'seed',
    },
  );
}
