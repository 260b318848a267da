/** Jobs over HTTP: ask, follow, cancel, fetch the files, look back. Each owner sees its own. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import { DuetError } from '../../../src/core/errors.ts';
import type { JobView } from '../../jobs/types.ts';
import { type JobBody, jobBody, toRequest } from '../../schemas/job.ts';
import { familiarityText } from '../compat/familiarity.ts';
import { readForm } from '../compat/read-form.ts';
import { pictureOf } from '../compat/read-picture.ts';
import { sendPatiently } from '../compat/send-event.ts';
import { fileType } from './file-type.ts';
import { jobDialogue } from './job-dialogue.ts';
import { acceptedOf, toWireEvent, toWireJob, toWireSummary } from './job-fields.ts';

const tags = ['Jobs'];
const mostListed = 100;
const longestKey = 255;

interface JobParams {
  Params: { id: string };
}

const SampleParams = Type.Object({
  id: Type.String(),
  index: Type.Integer({ minimum: 0, description: 'its place among the samples' }),
});
const SampleMark = Type.Object({
  favourite: Type.Boolean({ description: 'a job with a favourite does not age; size and number take it last' }),
});

const ListQuery = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: mostListed, default: 20 })),
  before: Type.Optional(Type.String({ maxLength: 100, description: 'id of the last job of the page before' })),
});

export async function jobRoutes(app: FastifyInstance): Promise<void> {
  app.addHook('preValidation', readForm);

  app.post<{ Body: JobBody }>(
    '/jobs',
    {
      schema: {
        tags,
        summary: 'Ask for a job',
        description:
          'Answers 202 at once; a header Idempotency-Key makes it safe to send twice. ' +
          familiarityText('in the result'),
        consumes: ['application/json', 'multipart/form-data'],
        body: jobBody(app.models.list()),
      },
    },
    async (request, reply) => {
      const { body, owner } = request;
      const pictures = Object.fromEntries(
        await Promise.all(
          (['image', 'image2', 'mask'] as const).map(
            async name => [name, await pictureOf(request, name, body[name])] as const,
          ),
        ),
      );
      const given = Object.entries(pictures).filter(([, picture]) => picture);
      const idempotencyKey = idempotencyKeyOf(request);
      const job = await app.jobs.submit(
        { ...toRequest(body, app.models.list()), ...Object.fromEntries(given), ...(await jobDialogue(request)) },
        { owner, ...(idempotencyKey !== undefined && { idempotencyKey }) },
      );
      const accepted = acceptedOf(job);
      return reply.code(202).header('location', `/v1/jobs/${job.id}`).send(accepted);
    },
  );

  app.get<{ Querystring: Static<typeof ListQuery> }>(
    '/jobs',
    {
      schema: {
        tags,
        summary: 'Your jobs, the newest first',
        description:
          'Of a dialogue and its answer each entry tells how much there is and what was said last; /v1/jobs/ID has the whole.',
        querystring: ListQuery,
      },
    },
    async ({ query: { limit = 20, before }, owner }) => {
      const jobs = app.jobs.list({ owner, limit: limit + 1, ...(before !== undefined && { before }) });
      return { jobs: jobs.slice(0, limit).map(toWireSummary), has_more: jobs.length > limit };
    },
  );

  app.get<JobParams>('/jobs/:id', { schema: { tags, summary: 'One job' } }, async request =>
    toWireJob(requireJob(request)),
  );

  app.delete<JobParams>(
    '/jobs/:id',
    { schema: { tags, summary: 'Forget a job with its files; a running one is cancelled' } },
    async (request, reply) => {
      const { id } = requireJob(request);
      await app.jobs.remove(id);
      return reply.code(204).send();
    },
  );

  app.patch<{ Params: Static<typeof SampleParams>; Body: Static<typeof SampleMark> }>(
    '/jobs/:id/samples/:index',
    { schema: { tags, summary: 'Mark a sample as a favourite', params: SampleParams, body: SampleMark } },
    async request => {
      const { id } = requireJob(request);
      await app.jobs.markSample(id, request.params.index, request.body.favourite);
      return toWireJob(requireJob(request));
    },
  );

  app.delete<{ Params: Static<typeof SampleParams> }>(
    '/jobs/:id/samples/:index',
    {
      schema: {
        tags,
        summary: 'Delete the picture of a sample',
        description: 'The sample stays in its place, marked as removed. DELETE /v1/jobs/ID forgets a job whole.',
        params: SampleParams,
      },
    },
    async (request, reply) => {
      const { id } = requireJob(request);
      await app.jobs.removePicture(id, request.params.index);
      return reply.code(204).send();
    },
  );

  app.post<JobParams>('/jobs/:id/cancel', { schema: { tags, summary: 'Cancel a job' } }, async request => {
    const { id } = request.params;
    const outcome = isOthers(request) ? 'unknown' : app.jobs.cancel(id);
    if (outcome === 'over') throw new DuetError('job-over', `The job ${id} is over already`);
    if (outcome === 'expired') throw new DuetError('job-expired', `The job ${id} was removed; its time was over`);
    if (outcome === 'unknown') throw unknownJob(id);
    return toWireJob(requireJob(request));
  });

  app.get<JobParams>(
    '/jobs/:id/events',
    {
      sse: 'only',
      schema: { tags, summary: 'What happens to a job, as server-sent events', produces: ['text/event-stream'] },
    },
    async (request, reply) => {
      const { id } = requireJob(request);
      const after = Number(request.headers['last-event-id'] ?? 0);
      const events = app.jobs.events(id, { after: Number.isFinite(after) ? after : 0, signal: request.disconnected });
      reply.sse.sendHeaders(200);
      reply.raw.flushHeaders(); // a job that waits may have nothing to say for long
      for await (const event of events) {
        await sendPatiently(reply, { id: String(event.id), event: event.type, data: toWireEvent(id, event) });
      }
    },
  );

  app.get<{ Params: { id: string; name: string } }>(
    '/jobs/:id/files/:name',
    { schema: { tags, summary: 'A file of a job', produces: ['image/png'] } },
    async (request, reply) => {
      const { id, name } = request.params;
      requireJob(request);
      const bytes = await app.jobs.file(id, name);
      if (!bytes) throw new DuetError('not-found', `The job ${id} has no file ${JSON.stringify(name.slice(0, 100))}`);
      // What was drawn never changes; what was sent in is shown as the picture it was checked to be, never as a document.
      return reply
        .type(fileType(bytes))
        .header('cache-control', 'private, max-age=31536000, immutable')
        .header('content-disposition', `inline; filename="${id}-${name}"`)
        .send(Buffer.from(bytes));
    },
  );
}

function requireJob(request: Pick<FastifyRequest<JobParams>, 'params' | 'server' | 'owner'>): JobView {
  const view = request.server.jobs.view(request.params.id);
  if (!view || view.owner !== request.owner) throw unknownJob(request.params.id);
  return view;
}

function isOthers({ server, params, owner }: FastifyRequest<JobParams>): boolean {
  const view = server.jobs.view(params.id);
  return view !== undefined && view.owner !== owner;
}

function unknownJob(id: string): DuetError {
  return new DuetError('not-found', `There is no job ${JSON.stringify(id.slice(0, 100))}, or no more`);
}

function idempotencyKeyOf({ headers }: FastifyRequest): string | undefined {
  const key = headers['idempotency-key'];
  if (key === undefined || key === '') return undefined;
  if (typeof key === 'string' && key.length <= longestKey) return key;
  throw new DuetError('invalid-argument', `Idempotency-Key must be one text of up to ${longestKey} characters`);
}
