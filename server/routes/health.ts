/** For load balancers and supervisors: does the process live, and would it take a job. */
import type { FastifyInstance } from 'fastify';
import { type ReadinessCheck, readinessOf } from '../readiness.ts';

const retrySeconds = '5';

interface JobCounts {
  readonly queued: number;
  readonly running: number;
}

export function healthRoutes(app: FastifyInstance, jobs: JobCounts, checks: readonly ReadinessCheck[]): void {
  const tags = ['Operation'];
  app.get('/health/live', { schema: { tags, summary: 'The process answers' } }, async () => ({ status: 'live' }));
  const description = 'Answers 503 with the reasons while a job would not be taken or could not be done.';
  app.get(
    '/health/ready',
    { schema: { tags, summary: 'A job would be taken', description } },
    async (_request, reply) => {
      const { status, reasons } = readinessOf(checks);
      if (status !== 'ready') reply.code(503).header('retry-after', retrySeconds);
      const { queued, running } = jobs;
      return { status, reasons, queued, running, models: app.models.list().map(({ id }) => id) };
    },
  );
}
