/** Samples as files: each picture a PNG in the job's folder, with all that is needed to make it again inside. */
import { type PictureParameters, withParameters } from '../../src/image/index.ts';
import type { AnySample, CallSettings, SamplingSettings } from '../../src/pipelines/index.ts';
import type { JobRecord } from './store.ts';
import type { JobSample } from './types.ts';

/** What is written into pictures beside the job's own settings. */
export interface Origin {
  /** The model's id. */
  readonly model: string;
  /** The version of Duet. */
  readonly version: string;
}

/** A sample as clients see it, with the file that its picture has or will have. */
export function describeSample({ seed, image, caption }: AnySample, index: number): JobSample {
  return {
    seed,
    ...(caption !== undefined && { caption }),
    ...(image && { file: `${index}.png`, width: image.width, height: image.height }),
  };
}

/** The content of a sample's file; undefined if it has no picture. */
export async function encodeSample(
  record: JobRecord,
  sample: AnySample,
  settings: CallSettings,
  origin: Origin,
): Promise<Uint8Array | undefined> {
  const png = await sample.image?.toPng();
  return png && withParameters(png, parametersOf(record, sample, settings, origin));
}

function parametersOf(
  { request }: JobRecord,
  { seed, image, caption }: AnySample,
  settings: CallSettings,
  { model, version }: Origin,
): PictureParameters {
  const { mode, model: _model, n: _n, seed: _seed, previewEvery: _preview, priority: _priority, ...own } = request;
  // A picture that is passed on does not pass on the conversation.
  const { messages: _messages, stop: _stop, ...asked } = own;
  const { width, height } = image!;
  return {
    mode,
    version,
    width,
    height,
    seed,
    ...asked,
    ...(settings as SamplingSettings), // there is a picture, so it was sampled
    model,
    ...(caption !== undefined && { caption }),
  };
}
