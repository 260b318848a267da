/** Every answer carries an x-request-id: the client's own, if it is a plain one, or a new one. Logs carry it too. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';

const plain = /^[\w.:-]{1,128}$/;

/** For Fastify's `genReqId`. */
export function requestId({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && plain.test(given) ? given : `req_${randomUUID().replaceAll('-', '')}`;
}

export function answerWithRequestId(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
  });
}
