/** Samples as files: each picture a PNG in the job's folder. */
import type { AnySample, Result } from '../../src/pipeline/index.ts';
import type { JobRecord, JobStore } from './store.ts';
import type { JobResult, JobSample } from './types.ts';

/** Writes the pictures of `made`; the result holds their bytes too. */
export async function keepSamples(
  store: JobStore,
  { id }: JobRecord,
  { samples, unknownWords, captionCut, timings }: Result<AnySample>,
): Promise<{ result: JobResult; bytes: number }> {
  const kept = await Promise.all(samples.map((sample, index) => keepSample(store, id, sample, index)));
  const bytes = kept.reduce((sum, { png }) => sum + (png?.length ?? 0), 0);
  return { result: { id, samples: kept, unknownWords, captionCut, timings }, bytes };
}

async function keepSample(store: JobStore, id: string, sample: AnySample, index: number): Promise<JobSample> {
  const { seed, image, caption } = sample;
  const words = caption === undefined ? {} : { caption };
  if (!image) return { seed, ...words };
  const png = await image.toPng();
  const file = `${index}.png`;
  await store.writeFile(id, file, png);
  return { seed, ...words, file, png, width: image.width, height: image.height };
}
