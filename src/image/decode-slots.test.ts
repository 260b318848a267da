import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { inDecodeSlot } from './decode-slots.ts';

it('two pictures at a time, whatever becomes of them', async () => {
  let open = 0;
  let most = 0;
  const work = async (index: number) => {
    open++;
    most = Math.max(most, open);
    await setImmediate();
    open--;
    if (index % 3 === 0) throw new Error(`picture ${index}`);
    return index;
  };
  const results = await Promise.allSettled(Array.from({ length: 12 }, (_, index) => inDecodeSlot(() => work(index))));
  expect(most).toBe(2);
  expect(results.map(({ status }) => status === 'fulfilled')).toEqual(results.map((_, index) => index % 3 !== 0));
});
