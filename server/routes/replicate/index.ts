/**
 * The Replicate family under /replicate/v1, for clients that know Replicate's API: a prediction is a native job under other
 * names. It has a prefix of its own because /v1/models and /v1/files mean something else to OpenAI's clients.
 */
import type { FastifyPluginAsync } from 'fastify';
import { predictionNames } from '../../schemas/replicate.ts';
import { answerErrors } from '../compat/answer-errors.ts';
import { tellIgnoredFields } from '../compat/ignored-fields.ts';
import { bodyValidator } from '../compat/parse-body.ts';
import { readForm } from '../compat/read-form.ts';
import { toReplicateError } from './errors.ts';
import { fileRoutes } from './files.ts';
import { modelRoutes } from './models.ts';
import { readOwnNames } from './own-names.ts';
import { predictionRoutes } from './predictions.ts';
import { createStreamAddresses, type StreamAddresses } from './stream-addresses.ts';
import { streamRoutes } from './streams.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** Only within the Replicate routes. */
    readonly streamAddresses: StreamAddresses;
  }
}

export const replicateRoutes: FastifyPluginAsync = async app => {
  app.decorate('streamAddresses', createStreamAddresses());
  app.setValidatorCompiler(bodyValidator);
  app.addHook('preValidation', readForm);
  app.addHook('preValidation', readOwnNames(app.models.list()));
  app.addHook('preValidation', tellIgnoredFields);
  answerErrors(app, toReplicateError, { names: predictionNames, within: 'input' });
  app.setNotFoundHandler(async (_request, reply) => {
    const detail = 'The requested resource could not be found.';
    return reply.code(404).send({ title: 'Not Found', detail, status: 404 });
  });
  await app.register(predictionRoutes);
  await app.register(streamRoutes);
  await app.register(modelRoutes);
  await app.register(fileRoutes);
};
