/** A job from start to end within one request: a client that hangs up cancels it. */
import type { FastifyRequest } from 'fastify';
import { DuetError, type ErrorCode, errorCodes } from '../../../src/core/errors.ts';
import type { JobEvent, JobRequest, JobResult, JobSample } from '../../jobs/types.ts';

export interface FinishedJob {
  readonly id: string;
  readonly result: JobResult;
}

/** A finished picture: where it lies and its bytes, a PNG of the model's own size with its parameters inside. */
export interface DrawnSample extends JobSample {
  readonly png: Uint8Array;
}

/** Somebody cancelled the job, but not the client that waits for it. */
export class JobCancelled extends Error {
  readonly statusCode = 499;

  constructor() {
    super('The job was cancelled before it was done.');
    this.name = 'JobCancelled';
  }
}

/** A job that was accepted. Throws what `JobService.submit` throws, so that a full queue still has its own status. */
export async function startJob(request: FastifyRequest, job: JobRequest): Promise<string> {
  const { server, owner, hangUp } = request;
  hangUp.throwIfAborted();
  const { id } = await server.jobs.submit(job, { owner });
  const cancel = () => {
    server.jobs.cancel(id);
  };
  if (hangUp.aborted) cancel();
  else hangUp.addEventListener('abort', cancel, { once: true });
  return id;
}

/** Waits for the job's end. Throws DuetError if it failed, `JobCancelled` if it was cancelled. */
export async function awaitJob(
  request: FastifyRequest,
  id: string,
  onEvent?: (event: JobEvent) => void | Promise<void>,
): Promise<FinishedJob> {
  for await (const event of request.server.jobs.events(id, { signal: request.hangUp })) {
    if (event.type === 'completed') return { id, result: event.result };
    if (event.type === 'failed') throw new DuetError(codeOf(event.error.code), event.error.message);
    if (event.type === 'cancelled') throw new JobCancelled();
    await onEvent?.(event);
  }
  throw new JobCancelled();
}

/** The bytes of all pictures of a job, in order. */
export async function drawnSamples(request: FastifyRequest, { id, result }: FinishedJob): Promise<DrawnSample[]> {
  const drawn = result.samples.map(async sample => {
    const png = sample.png ?? (sample.file === undefined ? undefined : await request.server.jobs.file(id, sample.file));
    if (!png) throw new DuetError('not-found', `The picture of seed ${sample.seed} is gone; ask for it again`);
    return { ...sample, png };
  });
  return Promise.all(drawn);
}

/** Codes of failed jobs may come from another process; unknown ones are failures of the server. */
function codeOf(code: string): ErrorCode {
  return Object.hasOwn(errorCodes, code) ? (code as ErrorCode) : 'worker-died';
}
