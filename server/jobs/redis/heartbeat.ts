/**
 * Detects that Redis is unreachable, hangs or accepts no writes, and that this is over. Commands on a lost connection
 * wait for it instead of failing, so a command is sent and timed at intervals.
 */
import type { Redis } from 'ioredis';
import type { Outage } from '../outage.ts';

const beatMs = 1000;
/** A Redis that takes longer for a ping hangs, or its machine stopped without closing the connection. */
const slowMs = 3000;
/** Key that is written to test whether writes work; it expires by itself. */
const probeKey = 'duet-probe';

/** @returns a function that ends the observation */
export function watchRedis(redis: Redis, outage: Outage): () => void {
  redis.on('close', () => outage.begin());
  let isAsking = false;
  const beat = async () => {
    if (isAsking) return;
    isAsking = true;
    const slow = setTimeout(() => outage.begin(), slowMs);
    try {
      // The outage is over once a write succeeds: Redis rejects writes on a full disk, without memory, and on a replica.
      await (outage.isAway ? redis.set(probeKey, '', 'PX', beatMs) : redis.ping());
      outage.end();
    } catch {
      outage.begin(); // the users of the connection report it
    }
    clearTimeout(slow);
    isAsking = false;
  };
  const timer = setInterval(() => void beat(), beatMs).unref();
  return () => clearInterval(timer);
}
