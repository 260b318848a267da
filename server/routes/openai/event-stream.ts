/** Server-sent events as OpenAI's clients read them; heartbeats are comments, sent by @fastify/sse. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { toOpenaiError } from './errors.ts';

/**
 * Runs `send` with the stream open. Its job is accepted already, so what fails from here on is told as an `error` event: the
 * status is gone.
 */
export async function streamOf(request: FastifyRequest, reply: FastifyReply, send: () => Promise<void>): Promise<void> {
  reply.sse.sendHeaders(200);
  reply.raw.flushHeaders(); // a queued job may have nothing to say for long
  try {
    await send();
  } catch (error) {
    if (request.hangUp.aborted) return;
    const { status, body } = toOpenaiError(error);
    if (status >= 500) request.log.error({ err: error }, 'A streamed request failed');
    await sendEvent(reply, 'error', body);
  }
}

/**
 * One event of JSON; `name` is left out in chat streams. Waits while the client reads slowly, gives up when it is gone, for
 * which @fastify/sse would wait forever.
 */
export async function sendEvent(reply: FastifyReply, name: string | undefined, data: object): Promise<void> {
  await send(reply, { data, ...(name !== undefined && { event: name }) });
}

/** What chat streams end with. */
export async function sendDone(reply: FastifyReply): Promise<void> {
  await send(reply, '[DONE]');
}

async function send(reply: FastifyReply, message: string | { data: object; event?: string }): Promise<void> {
  if (!reply.sse.isConnected) return;
  let onClose = () => {};
  const closed = new Promise<void>(resolve => {
    onClose = resolve;
  });
  reply.raw.once('close', onClose);
  await Promise.race([reply.sse.send(message), closed]);
  reply.raw.off('close', onClose);
}
