/** Jobs as predictions. */
import type { FastifyRequest } from 'fastify';
import { stepsOf } from '../../jobs/requests.ts';
import type { JobMode, JobSample, JobStatus, JobView, Rendering } from '../../jobs/types.ts';
import { familiarityFields } from '../compat/familiarity.ts';
import { originOf } from '../compat/origin.ts';
import { renderedUrl, renderPicture } from '../compat/render-picture.ts';
import { toWireRequest } from '../native/job-fields.ts';
import { fullName } from './models.ts';
import { pictureUrl } from './picture-url.ts';
import { progressLog } from './progress-log.ts';

const statuses: Readonly<Record<JobStatus, string>> = {
  queued: 'starting',
  running: 'processing',
  succeeded: 'succeeded',
  failed: 'failed',
  cancelled: 'canceled',
};

type Wire = Readonly<Record<string, unknown>>;

/** Modes whose pictures and captions belong together; of others the output is pictures or, where they have none, captions. */
const pairs: ReadonlySet<JobMode> = new Set(['joint', 't2i2t', 'gibbs']);

/**
 * One prediction, with its pictures as data URLs: Replicate's client fetches what it is told without the API key, and takes
 * for a file only what begins with `https:` or `data:`.
 */
export async function toPrediction(request: FastifyRequest, view: JobView): Promise<Wire> {
  const addresses = new Map<string, string>();
  for (const { file } of view.result?.samples ?? []) {
    const bytes = file === undefined ? undefined : await request.server.jobs.file(view.id, file);
    if (file !== undefined && bytes) addresses.set(file, pictureUrl(await rendered(bytes, view)));
  }
  return { ...toListedPrediction(request, view), output: outputOf(view, file => addresses.get(file) ?? null) };
}

function rendered(png: Uint8Array, { request: { rendering } }: JobView): Uint8Array | Promise<Uint8Array> {
  return rendering ? renderPicture(png, rendering) : png;
}

/** A prediction with its pictures under the addresses of the native job's files, for which the API key is needed. */
export function toListedPrediction(request: FastifyRequest, view: JobView): Wire {
  const { id, status, created, started, ended, inputs, result, error } = view;
  const origin = originOf(request);
  const url = `${origin}/replicate/v1/predictions/${id}`;
  const fileUrl = (name: string) => `${origin}/v1/jobs/${id}/files/${name}`;
  const { rendering, ...asked } = view.request;
  const shownUrl = (name: string) => (rendering ? renderedUrl(request, id, name, rendering) : fileUrl(name));
  const model = view.request.model ?? '';
  const info = request.server.models.get(model);
  const steps = view.request.steps ?? (info ? stepsOf(view.request, info) : 0);
  return {
    id,
    model: fullName(model),
    version: model,
    status: statuses[status],
    input: {
      ...toWireRequest(asked),
      ...lookOf(rendering),
      ...Object.fromEntries(inputs.map(name => [name, fileUrl(name)])),
    },
    output: outputOf(view, shownUrl),
    samples: result ? result.samples.map(sample => describe(sample, shownUrl, rendering)) : null,
    ...(result && familiarityFields(result)),
    error: error?.message ?? null,
    logs: progressLog(view, steps),
    metrics: {
      ...(started !== undefined && ended !== undefined && { predict_time: (ended - started) / 1000 }),
      ...(ended !== undefined && { total_time: (ended - created) / 1000 }),
    },
    created_at: timestamp(created),
    started_at: timestamp(started),
    completed_at: timestamp(ended),
    source: 'api',
    data_removed: false,
    urls: { get: url, cancel: `${url}/cancel` },
  };
}

type AddressOf = (file: string) => string | null;

/** Addresses of pictures; captions; where both belong together, `{image, text, seed}`; of a dialogue words and pictures in their order. */
function outputOf({ mode, result }: JobView, addressOf: AddressOf): readonly unknown[] | null {
  if (!result) return null;
  if (result.answer) {
    return result.answer.content.map(part => {
      const file = part.type === 'image' ? result.samples[part.index]?.file : undefined;
      return part.type === 'text' ? part.text : file === undefined ? null : addressOf(file);
    });
  }
  return result.samples.map(({ seed, caption, file }) => {
    const image = file === undefined ? undefined : addressOf(file);
    if (!pairs.has(mode)) return image ?? caption ?? null;
    return { ...(image !== undefined && { image }), ...(caption !== undefined && { text: caption }), seed };
  });
}

/** What Replicate has no place for: seeds, and the captions of pictures. */
function describe(
  { seed, caption, file, width, height }: JobSample,
  addressOf: AddressOf,
  rendering: Rendering | undefined,
): object {
  return {
    seed,
    ...(caption !== undefined && { caption }),
    ...(file !== undefined && { url: addressOf(file), width, height, ...rendering?.size }),
  };
}

/** A rendering under the names of the input's fields. */
function lookOf(rendering: Rendering | undefined): Wire {
  if (!rendering) return {};
  const { size, format, quality } = rendering;
  return {
    ...size,
    output_format: format === 'jpeg' ? 'jpg' : format,
    ...(format !== 'png' && { output_quality: quality }),
  };
}

function timestamp(milliseconds: number | undefined): string | null {
  return milliseconds === undefined ? null : new Date(milliseconds).toISOString();
}
