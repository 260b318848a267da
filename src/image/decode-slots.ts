/** How many pictures are in memory at full size at once: a picture of 40 million pixels takes 120 MB until it is shrunk. */
import PQueue from 'p-queue';

const mostAtOnce = 2;
const slots = new PQueue({ concurrency: mostAtOnce });

/** Runs `work`, which decodes a picture and lets go of its full size before it ends, when there is room for it. */
export function inDecodeSlot<T>(work: () => Promise<T>): Promise<T> {
  return slots.add(work);
}
