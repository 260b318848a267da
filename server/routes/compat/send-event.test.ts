import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sendPatiently } from './send-event.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A client that takes an event when `take` is called. */
function client() {
  let take = () => {};
  let isDestroyed = false;
  const raw = new EventEmitter();
  const destroy = () => {
    isDestroyed = true;
    raw.emit('close');
    return raw;
  };
  const send = () =>
    new Promise<void>(resolve => {
      take = resolve;
    });
  const receiver = {
    sse: { send, isConnected: true },
    raw: Object.assign(raw, { destroy }),
  } as unknown as Parameters<typeof sendPatiently>[0]; // as much of a reply as is used
  return { receiver, raw, take: () => take(), isDestroyed: () => isDestroyed };
}

describe('sendPatiently', () => {
  it('waits for a slow client, and leaves nothing behind', async () => {
    const { receiver, raw, take, isDestroyed } = client();
    const sent = sendPatiently(receiver, { data: 1 });
    await vi.advanceTimersByTimeAsync(59_000);
    take();
    await sent;
    await vi.advanceTimersByTimeAsync(120_000);
    expect([isDestroyed(), raw.listenerCount('close'), vi.getTimerCount()]).toEqual([false, 0, 0]);
  });

  it('cuts off one that never reads', async () => {
    const { receiver, isDestroyed } = client();
    const sent = sendPatiently(receiver, { data: 1 });
    await vi.advanceTimersByTimeAsync(61_000);
    await sent;
    expect(isDestroyed()).toBe(true);
  });

  it('does not wait for one that is gone', async () => {
    const { receiver, raw } = client();
    const sent = sendPatiently(receiver, { data: 1 });
    raw.emit('close');
    await sent;
    await sendPatiently({ ...receiver, sse: { ...receiver.sse, isConnected: false } }, { data: 1 });
    expect(vi.getTimerCount()).toBe(0);
  });
});
