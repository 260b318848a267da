/** `request.disconnected`: aborts when the client closes the connection before it has the whole answer. */
import type { FastifyInstance } from 'fastify';
import { DuetError } from '../../src/core/errors.ts';

export function noticeDisconnects(app: FastifyInstance): void {
  const never = new AbortController().signal;
  app.decorateRequest('disconnected', { getter: () => never });
  app.addHook('onRequest', async (request, reply) => {
    const controller = new AbortController();
    Object.defineProperty(request, 'disconnected', { value: controller.signal });
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) controller.abort(new DuetError('cancelled', 'The client hung up'));
    });
  });
}
