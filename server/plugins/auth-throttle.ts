/**
 * Guessing keys is slow and seen: an address that sends too many wrong ones gets 429 for further wrong ones until the minute
 * is over. A right key always passes: behind a proxy everybody has the same address.
 */
import { DuetError } from '../../src/core/errors.ts';

export interface AuthThrottleLimits {
  /** Wrong keys that one address may send in a window. @default 10 */
  readonly most?: number;
  readonly windowMs?: number;
  /** Addresses that are remembered; beyond that the oldest are forgotten. */
  readonly mostAddresses?: number;
  readonly now?: () => number;
}

export interface AuthThrottle {
  /** One more wrong key. @throws DuetError 'rate-limited' if there were too many before */
  count(address: string): void;
}

export function createAuthThrottle({
  most = 10,
  windowMs = 60_000,
  mostAddresses = 10_000,
  now = Date.now,
}: AuthThrottleLimits = {}): AuthThrottle {
  const windows = new Map<string, { readonly until: number; count: number }>();
  const current = (address: string) => {
    const found = windows.get(address);
    if (found && found.until > now()) return found;
    windows.delete(address);
    return undefined;
  };
  return {
    count(address) {
      const window = current(address);
      if (window && window.count >= most) {
        throw new DuetError('rate-limited', 'Too many wrong API keys came from this address; wait a little', {
          retryAfter: Math.max(1, Math.ceil((window.until - now()) / 1000)),
        });
      }
      if (window) {
        window.count++;
        return;
      }
      const [oldest] = windows.keys();
      if (windows.size >= mostAddresses && oldest !== undefined) windows.delete(oldest);
      windows.set(address, { until: now() + windowMs, count: 1 });
    },
  };
}
