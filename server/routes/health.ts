/** For load balancers and supervisors: does the process live, and would it take a job. */
import type { FastifyInstance } from 'fastify';

export interface Readiness {
  readonly isDraining: boolean;
  readonly hasRoom: boolean;
  readonly queued: number;
  readonly running: number;
}

export function healthRoutes(app: FastifyInstance, readiness: Readiness): void {
  const tags = ['Operation'];
  app.get('/health/live', { schema: { tags, summary: 'The process answers' } }, async () => ({ status: 'live' }));
  app.get('/health/ready', { schema: { tags, summary: 'A job would be taken' } }, async (_request, reply) => {
    const { isDraining, hasRoom, queued, running } = readiness;
    const status = isDraining ? 'stopping' : hasRoom ? 'ready' : 'full';
    if (status !== 'ready') reply.code(503).header('retry-after', '5');
    return { status, queued, running, models: app.models.list().map(({ id }) => id) };
  });
}
