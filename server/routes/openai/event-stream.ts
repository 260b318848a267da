/** Server-sent events as OpenAI's clients read them; heartbeats are comments, sent by @fastify/sse. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { logFault } from '../../errors.ts';
import { openaiNames } from '../../schemas/openai.ts';
import { fieldName } from '../../schemas/option-fields.ts';
import { sendPatiently } from '../compat/send-event.ts';
import { toOpenaiError } from './errors.ts';

/** Sends the headers, once: from then on a waiting client hears heartbeats. A job may be queued for long. */
export function openStream(reply: FastifyReply): void {
  if (reply.raw.headersSent || !reply.sse.isConnected) return;
  reply.sse.sendHeaders(200);
  reply.raw.flushHeaders();
}

/** Once the stream is open the status is gone, so failures are told as an `error` event; before, they are thrown. */
export async function failInStream(request: FastifyRequest, reply: FastifyReply, error: unknown): Promise<void> {
  if (request.disconnected.aborted) return;
  if (!reply.raw.headersSent) throw error;
  const { status, body } = toOpenaiError(error, name => fieldName(name, openaiNames, request.body));
  logFault(request.log, error, status);
  await sendEvent(reply, 'error', body);
}

/** One event of JSON; `name` is left out in chat streams. Waits while the client reads slowly. */
export async function sendEvent(reply: FastifyReply, name: string | undefined, data: object): Promise<void> {
  await sendPatiently(reply, { data, ...(name !== undefined && { event: name }) });
}

/** What chat streams end with. */
export async function sendDone(reply: FastifyReply): Promise<void> {
  await sendPatiently(reply, '[DONE]');
}
