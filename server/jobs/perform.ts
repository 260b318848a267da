/** One job done with a model: which call each mode is, and what its progress becomes. */
import { DuetError } from '../../src/core/errors.ts';
import type { Picture } from '../../src/image/index.ts';
import type { AnySample, ProgressEvent, Result, SamplingOptions } from '../../src/pipelines/index.ts';
import type { LoadedModel, ServedModel } from '../types.ts';
import { againAfterDeath } from './again-after-death.ts';
import type { NewJobEvent } from './event-log.ts';
import type { JobRecord } from './store.ts';
import { createTimeLeft } from './time-left.ts';
import type { JobMode, JobRequest } from './types.ts';

type Call = (
  model: ServedModel,
  request: JobRequest,
  options: SamplingOptions & { maxPixels?: number },
) => Promise<Result<AnySample>>;

const calls: Record<JobMode, Call> = {
  t2i: (model, { prompt = '' }, options) => model.textToImage(prompt, options),
  i2t: (model, { image }, options) => model.imageToText(given(image), options),
  joint: (model, _, options) => model.joint(options),
  i: (model, _, options) => model.image(options),
  t: (model, _, options) => model.text(options),
  i2t2i: (model, { image, prompt, strength }, options) =>
    model.vary(given(image), {
      ...options,
      ...(prompt?.trim() && { caption: prompt }),
      ...(strength !== undefined && { strength }),
    }),
  t2i2t: (model, { prompt = '' }, options) => model.rephrase(prompt, options),
  gibbs: (model, { prompt, image, rounds }, options) =>
    model.gibbs(pair(prompt, image), { ...options, ...(rounds !== undefined && { rounds }) }),
  interpolate: (model, { prompt, image, prompt2, image2, frames }, options) =>
    model.interpolate(pair(prompt, image), pair(prompt2, image2), {
      ...options,
      ...(frames !== undefined && { frames }),
    }),
  inpaint: (model, { prompt, image, mask, strength }, options) =>
    model.inpaint(
      { ...pair(prompt, image), ...(mask && { mask }) },
      { ...options, ...(strength !== undefined && { strength }) },
    ),
};

export interface PerformOptions {
  readonly signal: AbortSignal;
  readonly emit: (event: NewJobEvent) => void;
  readonly now: () => number;
}

/** How a job is done: here, or by workers elsewhere. */
export type Perform = (
  record: JobRecord,
  model: LoadedModel,
  request: JobRequest,
  options: PerformOptions,
) => Promise<Result<AnySample>>;

/** Here. Throws DuetError 'released' if the model is not in this process. */
export const performHere: Perform = async (_record, { info, model }, request, options) => {
  if (!model) throw new DuetError('released', `The model ${info.id} is not loaded here`);
  return performJob(model, request, options);
};

/**
 * Runs `request` on `model`, again if the inference process dies meanwhile; all previews have been emitted when it resolves.
 */
export function performJob(
  model: ServedModel,
  request: JobRequest,
  options: PerformOptions,
): Promise<Result<AnySample>> {
  return againAfterDeath(() => performOnce(model, request, options), options.signal);
}

async function performOnce(
  model: ServedModel,
  request: JobRequest,
  { signal, emit, now }: PerformOptions,
): Promise<Result<AnySample>> {
  const timeLeft = createTimeLeft(now);
  const previews = createPreviews(emit);
  const onProgress = (event: ProgressEvent) => {
    if (signal.aborted) return;
    if (event.type === 'image-preview') return previews.add(event.step, event.images);
    const { step, total } = event;
    emit({ type: 'progress', step, steps: total, etaMs: timeLeft(step, total) });
  };
  const result = await calls[request.mode](model, request, { ...samplingOptions(request), signal, onProgress });
  await previews.sent();
  return result;
}

function samplingOptions(request: JobRequest): SamplingOptions {
  const { n, seed, steps, guidance, solver, previewEvery, priority, negativePrompt } = request;
  return {
    ...(n !== undefined && { n }),
    ...(seed !== undefined && { seed }),
    ...(steps !== undefined && { steps }),
    ...(guidance !== undefined && { guidance }),
    ...(solver !== undefined && { solver }),
    ...(previewEvery !== undefined && { previewEvery }),
    ...(priority !== undefined && { priority }),
    ...(negativePrompt?.trim() && { negative: negativePrompt }),
  };
}

/** Encodes previews one after the other, so that they keep their order. */
function createPreviews(emit: (event: NewJobEvent) => void) {
  let sent = Promise.resolve();
  return {
    add(step: number, pictures: readonly Picture[]): void {
      sent = sent.then(async () => {
        emit({ type: 'preview', step, images: await Promise.all(pictures.map(picture => picture.toPng())) });
      });
      sent.catch(() => {}); // thrown again by sent()
    },
    sent: () => sent,
  };
}

function given(image: Uint8Array | undefined): Uint8Array {
  if (image) return image;
  throw new DuetError('invalid-argument', 'A picture is missing; send one as image');
}

function pair(caption: string | undefined, picture: Uint8Array | undefined) {
  return { ...(caption !== undefined && { caption }), ...(picture && { picture }) };
}
