/** Samples as files: each picture a PNG in the job's folder, with all that is needed to make it again inside. */
import { type PictureParameters, withParameters } from '../../src/image/index.ts';
import type { AnySample, CallResult, CallSettings } from '../../src/pipelines/index.ts';
import type { ModelInfo } from '../types.ts';
import type { JobRecord, JobStore } from './store.ts';
import type { JobResult, JobSample } from './types.ts';

export interface KeepOptions {
  /** Without one the pictures are in the result alone. */
  readonly store?: JobStore;
  readonly model: ModelInfo;
  /** The version of Duet. */
  readonly version: string;
}

/** Writes the pictures of `made`, all of them or none; the result holds their bytes too. */
export async function keepSamples(
  record: JobRecord,
  { samples, settings, unknownWords, captionCut, familiarity, isFamiliar, timings }: CallResult,
  options: KeepOptions,
): Promise<{ result: JobResult; bytes: number }> {
  const { id } = record;
  const writes = await Promise.allSettled(
    samples.map((sample, index) => keepSample(record, sample, index, settings, options)),
  );
  const failure = writes.find(({ status }) => status === 'rejected') as PromiseRejectedResult | undefined;
  if (failure) {
    await options.store
      ?.removeFiles(
        id,
        samples.map((_, index) => fileOf(index)),
      )
      .catch(() => {}); // the error of the write is the one that is thrown
    throw failure.reason;
  }
  const kept = writes.flatMap(write => (write.status === 'fulfilled' ? [write.value] : []));
  const bytes = kept.reduce((sum, { png }) => sum + (png?.length ?? 0), 0);
  const seen = familiarity === undefined || isFamiliar === undefined ? {} : { familiarity, isFamiliar };
  return { result: { id, samples: kept, unknownWords, captionCut, ...seen, timings }, bytes };
}

async function keepSample(
  record: JobRecord,
  sample: AnySample,
  index: number,
  settings: CallSettings,
  { store, model, version }: KeepOptions,
): Promise<JobSample> {
  const { seed, image, caption } = sample;
  const words = caption === undefined ? {} : { caption };
  if (!image) return { seed, ...words };
  const png = withParameters(await image.toPng(), parametersOf(record, sample, settings, model, version));
  const picture = { seed, ...words, png, width: image.width, height: image.height };
  if (!store) return picture;
  const file = fileOf(index);
  await store.writeFile(record.id, file, png);
  return { ...picture, file };
}

function fileOf(index: number): string {
  return `${index}.png`;
}

function parametersOf(
  { request }: JobRecord,
  { seed, image, caption }: AnySample,
  settings: CallSettings,
  model: ModelInfo,
  version: string,
): PictureParameters {
  const { mode, model: _model, n: _n, seed: _seed, previewEvery: _preview, priority: _priority, ...asked } = request;
  const { width, height } = image!;
  return {
    mode,
    version,
    width,
    height,
    seed,
    ...asked,
    ...settings,
    model: model.id,
    ...(caption !== undefined && { caption }),
  };
}
