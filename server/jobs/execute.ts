/** One job done with a model, and what its progress becomes. */
import { DuetError } from '../../src/core/errors.ts';
import type { CallResult, ProgressEvent } from '../../src/pipelines/index.ts';
import type { LoadedModel, ServedModel } from '../types.ts';
import { againAfterDeath } from './again-after-death.ts';
import { createEta } from './eta.ts';
import type { NewJobEvent } from './event-log.ts';
import { partsOf } from './requests.ts';
import type { JobRecord } from './store.ts';
import type { JobRequest } from './types.ts';

export interface ExecuteOptions {
  readonly signal: AbortSignal;
  readonly emit: (event: NewJobEvent) => void;
  /**
   * Called as soon as samples are finished: with some of them and their places among all, and at last with all of them.
   */
  readonly finish: (made: CallResult, indices?: readonly number[]) => void;
  readonly now: () => number;
}

/** How a job is run: in this process, or by workers in others. */
export type Execute = (
  record: JobRecord,
  model: LoadedModel,
  request: JobRequest,
  options: ExecuteOptions,
) => Promise<CallResult>;

/** Runs jobs in this process. Throws DuetError 'released' if the model is not loaded in it. */
export const executeHere: Execute = async (_record, { info, model }, request, options) => {
  if (!model) throw new DuetError('released', `The model ${info.id} is not loaded here`);
  return executeJob(model, request, options);
};

/**
 * Runs `request` on `model`, and again if the inference process ends meanwhile. All previews have been emitted when it
 * resolves.
 */
export function executeJob(model: ServedModel, request: JobRequest, options: ExecuteOptions): Promise<CallResult> {
  return againAfterDeath(() => executeOnce(model, request, options), options.signal);
}

async function executeOnce(
  model: ServedModel,
  request: JobRequest,
  { signal, emit, finish, now }: ExecuteOptions,
): Promise<CallResult> {
  const eta = createEta(now);
  const previews = createPreviews(emit);
  const onProgress = (event: ProgressEvent) => {
    if (signal.aborted) return;
    if (event.type === 'image-preview') return previews.add(event);
    if (event.type === 'samples-end') return finish(event.result, event.indices);
    const { step, total } = event;
    emit({ type: 'progress', step, steps: total, etaMs: eta(step, total) });
  };
  const { inputs, options } = partsOf(request);
  const result = await model.run(request.mode, inputs, { ...options, signal, onProgress });
  finish(result); // before the previews, which may still have to be encoded
  await previews.sent();
  return result;
}

/** Encodes previews one after the other, so that they keep their order. */
function createPreviews(emit: (event: NewJobEvent) => void) {
  let sent = Promise.resolve();
  return {
    add({ step, images, indices }: Extract<ProgressEvent, { type: 'image-preview' }>): void {
      sent = sent.then(async () => {
        emit({ type: 'preview', step, images: await Promise.all(images.map(picture => picture.toPng())), indices });
      });
      sent.catch(() => {}); // thrown again by sent()
    },
    sent: () => sent,
  };
}
