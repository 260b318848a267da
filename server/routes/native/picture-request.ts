/** POST /v1/pictures/request: the job that made a picture, from what its file says, so that it can be asked for again. */
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { type ReadParameters, readParameters } from '../../../src/image/index.ts';
import { type CallSpec, fits, longestText } from '../../../src/pipelines/index.ts';
import { snakeCase } from '../../schemas/snake-case.ts';
import type { ModelInfo } from '../../types.ts';
import { readForm } from '../compat/read-form.ts';
import { pictureOf } from '../compat/read-picture.ts';
import { WireFault } from '../compat/wire-fault.ts';
import type { PictureRequest } from './wire.ts';

const Body = Type.Object({
  image: Type.Unsafe<unknown>({ description: 'PNG, JPEG or WebP: a file, base64 text or a data URL' }),
});

/** Keys of a record that are no part of the request: what the sample is, and what made it. */
const notAsked: ReadonlySet<string> = new Set(['mode', 'model', 'version', 'width', 'height', 'caption', 'precision']);
const texts: ReadonlySet<string> = new Set(['prompt', 'prompt2']);

export async function pictureRequestRoutes(app: FastifyInstance): Promise<void> {
  app.addHook('preValidation', readForm);
  app.post<{ Body: { image: unknown } }>(
    '/pictures/request',
    {
      schema: {
        tags: ['Jobs'],
        summary: 'The request that made a picture, from what its file says',
        description:
          'Files of Duet (PNG, JPEG, WebP) carry it whole; of files by other programs, the infotext is read. `request` is null where ' +
          'there is nothing, or a mode that the model does not have; `left_out` names what the model does not take. ' +
          'Pictures that were given are not in the file.',
        consumes: ['application/json', 'multipart/form-data'],
        body: Body,
      },
    },
    async (request): Promise<PictureRequest> => {
      const image = await pictureOf(request, 'image', request.body.image);
      if (!image) throw new WireFault('invalid_value', 'image', "'image' is missing; give a PNG, JPEG or WebP file.");
      const [model] = app.models.list();
      return requestOf(readParameters(image), model!);
    },
  );
}

function requestOf(read: ReadParameters | null, model: ModelInfo): PictureRequest {
  const record = read?.parameters ?? (read && recordOf(read, model));
  const mode = record?.['mode'];
  const call = typeof mode === 'string' && Object.hasOwn(model.calls, mode) ? model.calls[mode] : undefined;
  if (!record || !call) return { request: null, left_out: [] };
  const names = Object.keys(record).filter(name => !notAsked.has(name) || call.options.includes(name));
  const isTaken = (name: string) => takes(model, call, name, record[name]);
  const taken = names.filter(isTaken).map(name => [snakeCase(name), record[name]] as const);
  return {
    request: { mode: String(mode), ...Object.fromEntries(taken) },
    left_out: names.filter(name => !isTaken(name)).map(snakeCase),
  };
}

function takes({ options }: ModelInfo, call: CallSpec, name: string, value: unknown): boolean {
  if (texts.has(name)) return typeof value === 'string' && value.length <= longestText;
  return call.options.includes(name) && fits(options[name]!, value);
}

/** Infotext of another program, as a picture of a caption. Its sampler goes by other names. */
function recordOf({ infotext }: ReadParameters, { calls }: ModelInfo): Readonly<Record<string, unknown>> | undefined {
  const { prompt, negativePrompt, settings } = infotext;
  const mode = Object.keys(calls).find(name => {
    const { takes: taken, makes } = calls[name]!;
    return makes === 'images' && taken.join() === 'prompt';
  });
  if (mode === undefined || prompt === '') return undefined;
  const number = (name: string) => (settings[name] === undefined ? undefined : Number(settings[name]));
  const { Sampler: sampler } = settings;
  const found = { seed: number('Seed'), steps: number('Steps'), guidance: number('CFG scale'), sampler };
  const given = Object.entries(found).filter(([, value]) => value !== undefined);
  return { mode, prompt, ...(negativePrompt && { negativePrompt }), ...Object.fromEntries(given) };
}
