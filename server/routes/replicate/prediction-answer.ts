/** Jobs as predictions. */
import type { FastifyRequest } from 'fastify';
import { stepsOf } from '../../jobs/requests.ts';
import type { JobMode, JobSample, JobStatus, JobView, Rendering } from '../../jobs/types.ts';
import { familiarityFields } from '../compat/familiarity.ts';
import { originOf } from '../compat/origin.ts';
import { renderedUrl } from '../compat/render-picture.ts';
import { toWireMessage, toWireRequest } from '../native/job-fields.ts';
import { fullName } from './models.ts';
import { pictureFileUrl } from './picture-url.ts';
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
    const url = file === undefined ? undefined : await pictureFileUrl(request, view, file);
    if (file !== undefined && url !== undefined) addresses.set(file, url);
  }
  const { input, ...listed } = toListedPrediction(request, view);
  const messages = view.request.messages?.map(message => toWireMessage(message, name => fileUrl(request, view, name)));
  return {
    ...listed,
    input: { ...input, ...(messages && { messages }) },
    output: outputOf(view, file => addresses.get(file) ?? null) ?? (await presentOutput(request, view)),
  };
}

/** What there is of an answer that is being written: as in its stream, words behind a picture wait until it is drawn. */
async function presentOutput(request: FastifyRequest, view: JobView): Promise<readonly string[] | null> {
  if (!view.present) return null;
  const { text, pictures, files } = view.present;
  const output: string[] = [];
  let start = 0;
  for (const [index, { at }] of pictures.entries()) {
    output.push(text.slice(start, at));
    start = at;
    const file = files[index];
    const url = file === undefined ? undefined : await pictureFileUrl(request, view, file);
    if (url === undefined) return output.filter(part => part !== '');
    output.push(url);
  }
  return [...output, text.slice(start)].filter(part => part !== '');
}

/** Where a file of the native job is, for which the API key is needed. */
function fileUrl(request: FastifyRequest, { id }: JobView, name: string): string {
  return `${originOf(request)}/v1/jobs/${id}/files/${name}`;
}

/** A prediction with its pictures under the addresses of the native job's files, and without the messages of a dialogue. */
export function toListedPrediction(request: FastifyRequest, view: JobView): Wire & { readonly input: Wire } {
  const { id, status, created, started, ended, inputs, result, error } = view;
  const origin = originOf(request);
  const url = `${origin}/replicate/v1/predictions/${id}`;
  const { rendering, messages, ...asked } = view.request;
  const given = messages ? [] : inputs;
  const shownUrl = (name: string) =>
    rendering ? renderedUrl(request, id, name, rendering) : fileUrl(request, view, name);
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
      ...Object.fromEntries(given.map(name => [name, fileUrl(request, view, name)])),
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
    urls: {
      get: url,
      cancel: `${url}/cancel`,
      ...(info?.calls[view.mode]?.makes === 'answer' && {
        stream: `${origin}${request.server.streamAddresses.pathOf(id)}`,
      }),
    },
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
