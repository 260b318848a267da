/** GET /v1/capabilities: what the page and other clients can offer. */
import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { DuetError } from '../../../src/core/errors.ts';

const Query = Type.Object({ model: Type.Optional(Type.String({ description: 'one of /v1/models' })) });

export async function capabilityRoutes(app: FastifyInstance): Promise<void> {
  app.get<{ Querystring: Static<typeof Query> }>(
    '/capabilities',
    { schema: { tags: ['Jobs'], summary: 'Modes, sizes, limits and defaults', querystring: Query } },
    async ({ query }) => {
      const model = query.model === undefined ? app.models.list()[0] : app.models.get(query.model);
      if (!model) throw new DuetError('model-not-found', `There is no model ${JSON.stringify(query.model)}`);
      const { maxSamples, maxSteps, maxBodyBytes, maxPixels } = app.config;
      return {
        model: model.id,
        models: app.models.list().map(({ id }) => id),
        modes: model.modes,
        solvers: model.solvers,
        image_size: model.imageSize,
        defaults: model.defaults,
        limits: {
          n: maxSamples,
          steps: maxSteps,
          frames: maxSamples,
          rounds: maxSamples,
          request_bytes: maxBodyBytes,
          image_pixels: maxPixels,
        },
        examples: model.examples,
      };
    },
  );
}
