/** POST /interrogate and /png-info: pictures read rather than drawn. */
import type { FastifyInstance } from 'fastify';
import { readParameters } from '../../../src/image/index.ts';
import { InterrogateBody, PngInfoBody } from '../../schemas/sdapi.ts';
import { familiarityFields, familiarityText } from '../compat/familiarity.ts';
import { pictureOf } from '../compat/read-picture.ts';
import { runJob } from '../compat/run-job.ts';
import { WireFault } from '../compat/wire-fault.ts';
import { follow } from './active-jobs.ts';

const tags = ['A1111'];

export async function readingRoutes(app: FastifyInstance): Promise<void> {
  app.post<{ Body: InterrogateBody }>(
    '/interrogate',
    { schema: { tags, summary: 'A caption of a picture', description: familiarityText(), body: InterrogateBody } },
    async request => {
      const image = await pictureOf(request, 'image', request.body.image);
      if (!image) throw new WireFault('not_found', 'image', 'Image not found');
      const active = app.activeJobs.begin(request.owner, 'interrogate');
      const job = { mode: 'i2t', model: app.sdapiOptions.checkpoint(), image } as const;
      const { signal } = active.controller;
      try {
        const result = await runJob(request, job, { signal, onEvent: event => follow(active, event) });
        return { caption: result.samples[0]?.caption ?? '', ...familiarityFields(result) };
      } finally {
        app.activeJobs.end(active);
      }
    },
  );
  app.post<{ Body: PngInfoBody }>(
    '/png-info',
    { schema: { tags, summary: 'How a picture was made, from its metadata', body: PngInfoBody } },
    async request => {
      const image = await pictureOf(request, 'image', request.body.image);
      if (!image) throw new WireFault('not_found', 'image', 'Image not found');
      return parametersOf(image);
    },
  );
}

function parametersOf(image: Uint8Array): unknown {
  const found = carriesParameters(image) ? readParameters(image) : null;
  if (!found) return { info: '', items: {}, parameters: {} };
  const { text, infotext, parameters } = found;
  const { prompt, negativePrompt, settings } = infotext;
  const { Size: size, ...others } = settings;
  const [, width, height] = /^(\d+)x(\d+)$/.exec(size ?? '') ?? [];
  const sides = width && height ? { 'Size-1': width, 'Size-2': height } : {};
  return {
    info: text,
    items: { parameters: text, ...(parameters && { duet: JSON.stringify(parameters) }) },
    parameters: { Prompt: prompt, 'Negative prompt': negativePrompt, ...others, ...sides },
  };
}

/** PNG, JPEG and WebP do; of other formats there is nothing to tell. */
function carriesParameters(image: Uint8Array): boolean {
  const head = Buffer.from(image.subarray(0, 12)).toString('latin1');
  return head.startsWith('\x89PNG') || head.startsWith('\xff\xd8\xff') || /^RIFF....WEBP/s.test(head);
}
