/** What the server says of the inference process: readiness and the log. */
import type { FastifyInstance } from 'fastify';
import { inference } from '../src/pipelines/index.ts';
import type { ReadinessCheck } from './readiness.ts';

/** Objects from the death of an inference process until the next one is ready. */
export const inferenceCheck: ReadinessCheck = {
  status: 'recovering',
  objection: () =>
    inference.status().state === 'recovering' ? 'The inference process died and is being started again' : undefined,
};

/** Logs every death of an inference process until `app` is closed. */
export function logDeaths(app: FastifyInstance): void {
  const stop = inference.onDeath(() => {
    const { deaths } = inference.status();
    app.log.error({ deaths }, 'the inference process died; the jobs that were computing are computed again');
  });
  app.addHook('onClose', async () => stop());
}
