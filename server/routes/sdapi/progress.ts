/** GET /progress, POST /interrupt and /skip: watching and stopping the generation of the moment. */
import type { FastifyInstance } from 'fastify';
import { ProgressQuery } from '../../schemas/sdapi.ts';
import type { ActiveJob } from './active-jobs.ts';
import { timestamp } from './timestamp.ts';

const tags = ['A1111'];

export async function progressRoutes(app: FastifyInstance): Promise<void> {
  app.get<{ Querystring: ProgressQuery }>(
    '/progress',
    { schema: { tags, summary: 'How far the current generation is', querystring: ProgressQuery } },
    async request => {
      const job = app.activeJobs.current(request.owner);
      return job ? progressOf(job, !request.query.skip_current_image) : idle;
    },
  );
  for (const how of ['interrupt', 'skip'] as const) {
    app.post(`/${how}`, { schema: { tags, summary: 'Stops the current generation' } }, async request => {
      app.activeJobs.stop(request.owner, how);
      return {};
    });
  }
}

/** Clients that wait for a model to be switched look for exactly progress 0 and job_count 0. */
const idle = {
  progress: 0,
  eta_relative: 0,
  state: {
    skipped: false,
    interrupted: false,
    stopping_generation: false,
    job: '',
    job_count: 0,
    job_timestamp: '0',
    job_no: 0,
    sampling_step: 0,
    sampling_steps: 0,
  },
  current_image: null,
  textinfo: null,
};

function progressOf({ kind, created, step, steps, etaMs, previews, stopped }: ActiveJob, withImage: boolean): unknown {
  const [preview] = previews;
  return {
    // Never 0 while there is a job, never 1 before its pictures are there.
    progress: Math.min(0.99, Math.max(0.01, steps === 0 ? 0 : step / steps)),
    eta_relative: (etaMs ?? 0) / 1000,
    state: {
      skipped: stopped === 'skip',
      interrupted: stopped === 'interrupt',
      stopping_generation: stopped !== undefined,
      job: kind,
      job_count: 1,
      job_timestamp: timestamp(created),
      job_no: 0,
      sampling_step: step,
      sampling_steps: steps,
    },
    current_image: withImage && preview ? Buffer.from(preview).toString('base64') : null,
    textinfo: null,
  };
}
