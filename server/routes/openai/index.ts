/**
 * The OpenAI family: images, chat, responses and models under /v1, for clients that know OpenAI's API. Bodies are read forgivingly and
 * errors of every kind, also those of Fastify itself, are answered in OpenAI's shape.
 */
import type { FastifyPluginAsync } from 'fastify';
import { openaiNames } from '../../schemas/openai.ts';
import { answerErrors } from '../compat/answer-errors.ts';
import { tellIgnoredFields } from '../compat/ignored-fields.ts';
import { bodyValidator } from '../compat/parse-body.ts';
import { readForm } from '../compat/read-form.ts';
import { chatRoutes } from './chat.ts';
import { toOpenaiError } from './errors.ts';
import { imageRoutes } from './images.ts';
import { modelRoutes } from './models.ts';
import { responseRoutes } from './responses/index.ts';

export const openaiRoutes: FastifyPluginAsync = async app => {
  app.setValidatorCompiler(bodyValidator);
  app.addHook('preValidation', readForm);
  app.addHook('preValidation', tellIgnoredFields);
  answerErrors(app, toOpenaiError, { names: openaiNames });
  app.setNotFoundHandler(async (request, reply) => {
    const message = `Unknown request URL: ${request.method} ${request.url.slice(0, 200)}.`;
    const error = { message, type: 'invalid_request_error', param: null, code: 'unknown_url' };
    return reply.code(404).send({ error });
  });
  await app.register(imageRoutes);
  await app.register(chatRoutes);
  await app.register(responseRoutes);
  await app.register(modelRoutes);
};
