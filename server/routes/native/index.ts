/** Duet's own routes under /v1: jobs of every mode, and what there is to ask for. Errors look like OpenAI's, as all under /v1. */
import type { FastifyPluginAsync } from 'fastify';
import { answerErrors } from '../compat/answer-errors.ts';
import { toOpenaiError } from '../openai/errors.ts';
import { capabilityRoutes } from './capabilities.ts';
import { captionInspectionRoutes } from './caption-inspection.ts';
import { jobRoutes } from './jobs.ts';
import { pictureRequestRoutes } from './picture-request.ts';
import { strictValidator } from './strict-fields.ts';

export const nativeRoutes: FastifyPluginAsync = async app => {
  app.setValidatorCompiler(strictValidator);
  answerErrors(app, toOpenaiError);
  await app.register(jobRoutes);
  await app.register(capabilityRoutes);
  await app.register(captionInspectionRoutes);
  await app.register(pictureRequestRoutes);
};
