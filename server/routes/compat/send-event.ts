/**
 * One server-sent event to one client, however it reads: memory for clients that do not read must not add up.
 * @fastify/sse waits for a slow client forever, also when it is gone.
 */
import type { FastifyReply } from 'fastify';

/** A client that has taken nothing for so long will not read the rest either. */
const longestStallMs = 60_000;

type Message = Parameters<FastifyReply['sse']['send']>[0];
type Receiver = {
  readonly sse: Pick<FastifyReply['sse'], 'send' | 'isConnected'>;
  readonly raw: Pick<FastifyReply['raw'], 'once' | 'off' | 'destroy'>;
};

/** Resolves once the client has room for more or is gone; one that takes nothing for `stallMs` is cut off. */
export async function sendPatiently(
  { sse, raw }: Receiver,
  message: Message,
  stallMs: number = longestStallMs,
): Promise<void> {
  if (!sse.isConnected) return;
  let onClose = () => {};
  const closed = new Promise<void>(resolve => {
    onClose = resolve;
  });
  raw.once('close', onClose);
  const stalled = setTimeout(() => raw.destroy(), stallMs);
  await Promise.race([sse.send(message), closed]);
  clearTimeout(stalled);
  raw.off('close', onClose);
}
