/** One job done with a model, and what its progress becomes. */
import { DuetError } from '../../src/core/errors.ts';
import type { AnswerEvent, CallResult, ProgressEvent } from '../../src/pipelines/index.ts';
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
  const etas = new Map<number | undefined, ReturnType<typeof createEta>>();
  const etaOf = (index: number | undefined) => etas.get(index) ?? etas.set(index, createEta(now)).get(index)!;
  const previews = createPreviews(emit);
  const onProgress = (event: ProgressEvent | AnswerEvent) => {
    if (signal.aborted) return;
    switch (event.type) {
      case 'image-preview':
        return previews.add(event);
      case 'samples-end':
        previews.stop(event.indices);
        return finish(event.result, event.indices);
      case 'text-delta':
        return emit({ type: 'text', delta: event.text, at: event.at });
      case 'image-started':
        return emit(event);
      case 'step-progress': {
        const { type: _, total: steps, step, ...picture } = event;
        return emit({ type: 'progress', step, steps, ...picture, etaMs: etaOf(picture.index)(step, steps) });
      }
    }
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
  const finished = new Set<number>();
  return {
    /** No more previews of samples that are finished. */
    stop(indices: readonly number[]): void {
      for (const index of indices) finished.add(index);
    },
    add({ step, images, indices }: Extract<ProgressEvent, { type: 'image-preview' }>): void {
      sent = sent.then(async () => {
        const encoded = await Promise.all(images.map(picture => picture.toPng()));
        if (!indices.every(index => finished.has(index))) emit({ type: 'preview', step, images: encoded, indices });
      });
      sent.catch(() => {}); // thrown again by sent()
    },
    sent: () => sent,
  };
}
