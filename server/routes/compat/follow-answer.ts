/** The answer of a dialogue as it comes about, for clients that cannot take anything back. */
import type { FastifyRequest } from 'fastify';
import { DuetError } from '../../../src/core/errors.ts';
import type { CallAnswer } from '../../../src/pipelines/index.ts';
import type { JobEvent, JobRequest } from '../../jobs/types.ts';
import { type DrawnSample, drawnSamples, runJob } from './run-job.ts';

/** Each call is awaited before the next one; those of one picture come in this order. */
export interface AnswerListener {
  /** The job is accepted, or something happened to it. */
  readonly alive?: () => void | Promise<void>;
  readonly text?: (delta: string) => Promise<void>;
  /** The answer has picture `index` at this place. */
  readonly pictureStarted?: (index: number) => Promise<void>;
  /** How it looks after so many steps: a PNG. */
  readonly preview?: (index: number, png: Uint8Array, step: number) => Promise<void>;
  /** It is finished: a PNG. */
  readonly picture?: (index: number, png: Uint8Array) => Promise<void>;
}

export interface FinishedAnswer extends CallAnswer {
  readonly pictures: readonly DrawnSample[];
}

/** Runs `job`, which must be an answer in a dialogue. @throws what `runJob` throws */
export async function followAnswer(
  request: FastifyRequest,
  job: JobRequest,
  listener: AnswerListener = {},
): Promise<FinishedAnswer> {
  const started = new Set<number>();
  const finished = new Set<number>();
  let told = 0;
  const onEvent = async (event: JobEvent) => {
    await listener.alive?.();
    switch (event.type) {
      case 'text':
        if (event.at !== told) throw otherwise();
        told += event.delta.length;
        return listener.text?.(event.delta);
      case 'image-started':
        started.add(event.index);
        return listener.pictureStarted?.(event.index);
      case 'preview':
        for (const [place, png] of event.images.entries()) {
          const index = event.indices[place]!;
          if (started.has(index) && !finished.has(index)) await listener.preview?.(index, png, event.step);
        }
        return;
      case 'sample':
        // Where it was lost that the picture was started, the picture waits for the end.
        if (started.has(event.index) && event.sample.png) await finish(event.index, event.sample.png);
    }
  };
  const finish = async (index: number, png: Uint8Array) => {
    if (finished.has(index)) return;
    finished.add(index);
    await listener.picture?.(index, png);
  };
  const result = await runJob(request, job, { onEvent });
  const pictures = drawnSamples(result);
  for (const [index, { png }] of pictures.entries()) await finish(index, png);
  return { ...result.answer!, pictures }; // jobs of this mode end with one
}

/** Only where workers are machines of different kinds. */
function otherwise(): DuetError {
  const message = 'The answer was begun anew by another worker, and came out differently; ask again';
  return new DuetError('worker-died', message);
}
