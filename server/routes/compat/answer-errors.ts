/** Errors of a family of routes, also those of Fastify itself, answered in the family's shape. */
import type { FastifyInstance } from 'fastify';
import { logFault } from '../../errors.ts';

interface ErrorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: object;
}

export function answerErrors(app: FastifyInstance, toAnswer: (error: unknown) => ErrorAnswer): void {
  app.setErrorHandler(async (error, request, reply) => {
    const { status, headers, body } = toAnswer(error);
    logFault(request.log, error, status);
    return reply.code(status).headers(headers).send(body);
  });
}
