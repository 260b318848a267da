/**
 * Notices a Redis that is lost, hangs or takes no writes, and that it is back. Commands for a lost connection wait for it
 * and so do not fail: a round trip now and then tells.
 */
import type { Redis } from 'ioredis';
import type { Outage } from '../outage.ts';

const beatMs = 1000;
/** A Redis that takes longer for a ping hangs, or its machine is gone without a word. */
const slowMs = 3000;
/** Written to see whether writes work; it vanishes by itself. */
const probeKey = 'duet-probe';

/** @returns what ends it */
export function watchRedis(redis: Redis, outage: Outage): () => void {
  redis.on('close', () => outage.begin());
  let isAsking = false;
  const beat = async () => {
    if (isAsking) return;
    isAsking = true;
    const slow = setTimeout(() => outage.begin(), slowMs);
    try {
      // Back is one that can be written: a full disk, too little memory and a replica refuse that.
      await (outage.isAway ? redis.set(probeKey, '', 'PX', beatMs) : redis.ping());
      outage.end();
    } catch {
      outage.begin(); // reported by whoever uses the connection
    }
    clearTimeout(slow);
    isAsking = false;
  };
  const timer = setInterval(() => void beat(), beatMs).unref();
  return () => clearInterval(timer);
}
