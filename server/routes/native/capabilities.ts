/** GET /v1/capabilities: what the page and other clients can offer. */
import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { DuetError } from '../../../src/core/errors.ts';
import { capabilitiesOf } from './capabilities-of.ts';

const Query = Type.Object({ model: Type.Optional(Type.String({ description: 'one of /v1/models' })) });

export async function capabilityRoutes(app: FastifyInstance): Promise<void> {
  app.get<{ Querystring: Static<typeof Query> }>(
    '/capabilities',
    {
      schema: {
        tags: ['Jobs'],
        summary: 'Modes, sizes, limits and defaults',
        description:
          'familiarity: where it is not null, results of jobs that were given a picture tell how much it looks like what the ' +
          'model has learnt (familiarity, in dB) and whether that reaches the threshold (is_familiar). ' +
          'dialogue: of models that answer in dialogues; exchanges is how many they read, the present one among them, where ' +
          'they do not read all.',
        querystring: Query,
      },
    },
    async ({ query }) => {
      const model = query.model === undefined ? app.models.list()[0] : app.models.get(query.model);
      if (!model) throw new DuetError('model-not-found', `There is no model ${JSON.stringify(query.model)}`);
      return capabilitiesOf(model, app.models.list(), app.config);
    },
  );
}
