/** Duet's own routes under /v1: jobs of every mode, and what there is to ask for. Errors look like OpenAI's, as all under /v1. */
import type { FastifyPluginAsync } from 'fastify';
import { bodyValidator } from '../compat/parse-body.ts';
import { toOpenaiError } from '../openai/errors.ts';
import { capabilityRoutes } from './capabilities.ts';
import { jobRoutes } from './jobs.ts';

export const nativeRoutes: FastifyPluginAsync = async app => {
  app.setValidatorCompiler(bodyValidator);
  app.setErrorHandler(async (error, request, reply) => {
    const { status, headers, body } = toOpenaiError(error);
    if (status === 500) request.log.error({ err: error }, 'a request failed');
    return reply.code(status).headers(headers).send(body);
  });
  await app.register(jobRoutes);
  await app.register(capabilityRoutes);
};
