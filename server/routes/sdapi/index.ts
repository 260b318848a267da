/**
 * The A1111 family: the core of /sdapi/v1, for clients that know stable-diffusion-webui's API. Bodies are read forgivingly,
 * errors of every kind are answered in its shapes.
 */
import type { FastifyPluginAsync } from 'fastify';
import { generationNames } from '../../schemas/sdapi.ts';
import { answerErrors } from '../compat/answer-errors.ts';
import { tellIgnoredFields } from '../compat/ignored-fields.ts';
import { bodyValidator } from '../compat/parse-body.ts';
import { readForm } from '../compat/read-form.ts';
import { type ActiveJobs, createActiveJobs } from './active-jobs.ts';
import { httpException, toSdapiError } from './errors.ts';
import { extrasRoutes } from './extras.ts';
import { generationRoutes } from './generation.ts';
import { listRoutes } from './lists.ts';
import { createOptions, optionRoutes, type SdapiOptions } from './options.ts';
import { progressRoutes } from './progress.ts';
import { readingRoutes } from './reading.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** Only within the A1111 routes. */
    readonly activeJobs: ActiveJobs;
    /** Only within the A1111 routes. */
    readonly sdapiOptions: SdapiOptions;
  }
}

export const sdapiRoutes: FastifyPluginAsync = async app => {
  app.decorate('activeJobs', createActiveJobs());
  app.decorate('sdapiOptions', createOptions(app.models));
  app.setValidatorCompiler(bodyValidator);
  app.addHook('preValidation', readForm);
  app.addHook('preValidation', tellIgnoredFields);
  answerErrors(app, toSdapiError, { names: generationNames });
  app.setNotFoundHandler(async (_request, reply) => reply.code(404).send(httpException('Not Found')));
  await app.register(generationRoutes);
  await app.register(progressRoutes);
  await app.register(optionRoutes);
  await app.register(listRoutes);
  await app.register(readingRoutes);
  await app.register(extrasRoutes);
};
