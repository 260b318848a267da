/** Whether one more job is taken, and by which model. */
import { DuetError } from '../../src/core/errors.ts';
import type { LoadedModel } from '../types.ts';
import type { ModelQueue } from './model-queue.ts';

const longestRetrySeconds = 60;

export interface Crowd {
  /** Jobs of the same owner that are queued or running. */
  readonly active: number;
  /** As many may be; 0 is no limit. */
  readonly keyConcurrency: number;
  /** Milliseconds that jobs took lately. */
  readonly duration: number;
}

/** @throws DuetError 'rate-limited' or, saying when to come back, 'queue-full' */
export function requireRoom(queue: ModelQueue, { active, keyConcurrency, duration }: Crowd): void {
  if (keyConcurrency > 0 && active >= keyConcurrency) {
    throw new DuetError(
      'rate-limited',
      `${active} of your jobs are queued or running, at most ${keyConcurrency} may be; wait for one to end`,
    );
  }
  if (queue.hasRoom) return;
  const untilOneEnds = duration / Math.max(1, queue.running) / 1000;
  throw new DuetError('queue-full', `${queue.waiting} jobs are waiting, and no more may; try again later`, {
    retryAfter: Math.min(longestRetrySeconds, Math.max(1, Math.ceil(untilOneEnds))),
  });
}

/**
 * The model that a request names, or the first.
 * @throws DuetError 'model-not-found'
 */
export function findModel(models: readonly LoadedModel[], id: string | undefined): LoadedModel {
  const model = id === undefined ? models[0] : models.find(({ info }) => info.id === id);
  if (model) return model;
  const known = models.map(({ info }) => info.id).join(', ');
  throw new DuetError('model-not-found', `There is no model ${JSON.stringify(id)}; this server has ${known}`);
}
