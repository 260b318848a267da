/** Predictions: native jobs of every mode, asked for, looked at and cancelled as Replicate's clients do. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { DuetError } from '../../../src/core/errors.ts';
import type { JobView } from '../../jobs/types.ts';
import { type PredictionBody, PredictionsQuery, predictionBody } from '../../schemas/replicate.ts';
import type { ModelInfo } from '../../types.ts';
import { familiarityText } from '../compat/familiarity.ts';
import { originOf } from '../compat/origin.ts';
import { type ModelParams, modelAt, modelOfVersion } from './models.ts';
import { toListedPrediction, toPrediction } from './prediction-answer.ts';
import { predictionValidator, toJobRequest } from './prediction-request.ts';
import { secondsToWait, waitForEnd } from './wait-for-end.ts';

const tags = ['Replicate'];
const listed = 100;
const over: ReadonlySet<JobView['status']> = new Set(['succeeded', 'failed', 'cancelled']);

interface IdParams {
  readonly id: string;
}

export async function predictionRoutes(app: FastifyInstance): Promise<void> {
  const validator = predictionValidator(app.models.list());
  const creation = {
    schema: {
      tags,
      summary: 'Ask for a prediction',
      description:
        'Answers at once, or with Prefer: wait=SECONDS when the prediction is over or the time is. ' +
        familiarityText('its logs warn too'),
      body: predictionBody(app.models.list()),
    },
    validatorCompiler: () => validator,
  };
  app.post<{ Body: PredictionBody }>('/predictions', creation, async (request, reply) =>
    create(request, reply, modelOfVersion(request, request.body.version)),
  );

  app.post<{ Body: PredictionBody; Params: ModelParams }>(
    '/models/:owner/:name/predictions',
    creation,
    async (request, reply) => create(request, reply, modelAt(request)),
  );

  app.get<{ Querystring: PredictionsQuery }>(
    '/predictions',
    { schema: { tags, summary: 'Your predictions, the newest first', querystring: PredictionsQuery } },
    async request => {
      const { owner, query } = request;
      const before = query.cursor === undefined ? {} : { before: query.cursor };
      const views = app.jobs.list({ owner, limit: listed + 1, ...before });
      const page = views.slice(0, listed);
      const next = `${originOf(request)}/replicate/v1/predictions?cursor=${page.at(-1)?.id}`;
      return {
        previous: null,
        next: views.length > listed ? next : null,
        results: page.map(view => toListedPrediction(request, view)),
      };
    },
  );

  app.get<{ Params: IdParams }>('/predictions/:id', { schema: { tags, summary: 'One prediction' } }, async request =>
    toPrediction(request, requirePrediction(request, request.params.id)),
  );

  app.post<{ Params: IdParams }>(
    '/predictions/:id/cancel',
    { schema: { tags, summary: 'Cancel a prediction; one that is over stays as it is' } },
    async request => {
      const { id } = requirePrediction(request, request.params.id);
      app.jobs.cancel(id);
      return toPrediction(request, requirePrediction(request, id));
    },
  );
}

async function create(
  request: FastifyRequest<{ Body: PredictionBody }>,
  reply: FastifyReply,
  model: ModelInfo,
): Promise<FastifyReply> {
  const { server, owner } = request;
  const job = await toJobRequest(request, model);
  const { id } = await server.jobs.submit(job, { owner });
  const seconds = secondsToWait(request);
  if (seconds > 0) await waitForEnd(request, id, seconds);
  const view = requirePrediction(request, id);
  const prediction = await toPrediction(request, view);
  if (over.has(view.status)) return reply.code(201).send(prediction);
  // The client takes any other status for the end, and the missing output for the result.
  return reply.code(seconds > 0 ? 202 : 201).send({ ...prediction, status: 'starting' });
}

function requirePrediction({ server, owner }: FastifyRequest, id: string): JobView {
  const view = server.jobs.view(id);
  if (view?.owner === owner) return view;
  throw new DuetError('not-found', `There is no prediction ${JSON.stringify(id.slice(0, 100))}, or no more`);
}
