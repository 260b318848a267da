/** A job from start to end within one request: a client that hangs up cancels it, and so may `signal`. */
import type { FastifyRequest } from 'fastify';
import { DuetError } from '../../../src/core/errors.ts';
import type { JobEvent, JobRequest, JobResult, JobSample } from '../../jobs/types.ts';

/** A finished picture: a PNG of the model's own size with its parameters inside. */
export interface DrawnSample extends JobSample {
  readonly png: Uint8Array;
}

interface RunJobOptions {
  /** Cancels the job for another reason than the client's going away. */
  readonly signal?: AbortSignal;
  /** Called for each event; the next waits until it is done. */
  readonly onEvent?: (event: JobEvent) => void | Promise<void>;
  /** The answer holds addresses of the result's files. */
  readonly needsFiles?: boolean;
}

/** Runs `job` and waits for its end and for `onEvent`. @throws what `JobService.run` throws, or `onEvent` */
export async function runJob(
  request: FastifyRequest,
  job: JobRequest,
  { signal, onEvent, needsFiles = false }: RunJobOptions = {},
): Promise<JobResult> {
  const { server, owner, disconnected } = request;
  const broken = new AbortController();
  const signals = [disconnected, broken.signal, ...(signal ? [signal] : [])];
  let handled = Promise.resolve();
  const handle = (event: JobEvent) => {
    handled = handled.then(() => onEvent?.(event));
    handled.catch(error => broken.abort(error)); // the result is of no use any more
  };
  const running = server.jobs.run(job, {
    owner,
    signal: AbortSignal.any(signals),
    needsFiles,
    ...(onEvent && { onEvent: handle }),
  });
  // What was told before a failure is handled before the failure is.
  await running.catch(() => handled).catch(() => {});
  const result = await running;
  await handled;
  return result;
}

/** The samples of a result that have a picture. */
export function drawnSamples({ samples }: JobResult): DrawnSample[] {
  return samples.map(({ png, ...sample }) => {
    if (png) return { ...sample, png };
    throw new DuetError('not-found', `The picture of seed ${sample.seed} is gone; ask for it again`);
  });
}
