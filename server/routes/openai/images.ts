/** POST /images/generations, /images/edits and /images/variations, and the files behind `response_format: "url"`. */
import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import {
  type ImageEditBody,
  type ImageGenerationBody,
  type ImageVariationBody,
  openaiBodies,
} from '../../schemas/openai.ts';
import { familiarityText } from '../compat/familiarity.ts';
import { parseSize } from '../compat/picture-size.ts';
import { defaultQuality, renderPicture } from '../compat/render-picture.ts';
import { WireFault } from '../compat/wire-fault.ts';
import { answerImages } from './image-answer.ts';
import { editJob, generationJob, modelOf, variationJob } from './image-request.ts';

const forms = ['multipart/form-data', 'application/json'];
const tags = ['OpenAI'];

const FileQuery = Type.Object({
  format: Type.Optional(Type.Enum(['png', 'jpeg', 'webp'])),
  quality: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
  size: Type.Optional(Type.String({ maxLength: 20 })),
});

export async function imageRoutes(app: FastifyInstance): Promise<void> {
  const bodies = openaiBodies(app.models.list());
  app.post<{ Body: ImageGenerationBody }>(
    '/images/generations',
    { sse: 'manual', schema: { tags, summary: 'Pictures of a prompt', body: bodies.generation } },
    async (request, reply) => {
      const { body } = request;
      const model = modelOf(request, body.model);
      const job = generationJob(body, model);
      return answerImages(request, reply, { body, job, model, event: 'image_generation' });
    },
  );

  app.post<{ Body: ImageEditBody }>(
    '/images/edits',
    {
      sse: 'manual',
      schema: {
        tags,
        summary: 'Parts of a picture drawn anew',
        description: familiarityText(),
        consumes: forms,
        body: bodies.edit,
      },
    },
    async (request, reply) => {
      const { body } = request;
      const model = modelOf(request, body.model);
      const job = await editJob(body, model, request);
      return answerImages(request, reply, { body, job, model, event: 'image_edit' });
    },
  );

  app.post<{ Body: ImageVariationBody }>(
    '/images/variations',
    {
      sse: 'manual',
      schema: {
        tags,
        summary: 'Variations of a picture',
        description: familiarityText(),
        consumes: forms,
        body: bodies.variation,
      },
    },
    async (request, reply) => {
      const { body } = request;
      const model = modelOf(request, body.model);
      const job = await variationJob(body, model, request);
      return answerImages(request, reply, { body, job, model, event: 'image_generation' });
    },
  );

  app.get<{ Params: { id: string; name: string }; Querystring: Static<typeof FileQuery> }>(
    '/images/files/:id/:name',
    { schema: { tags, summary: 'A picture of an earlier answer', querystring: FileQuery } },
    async (request, reply) => {
      const { id, name } = request.params;
      const { format = 'png', quality = defaultQuality, size } = request.query;
      const isOwn = app.jobs.view(id)?.owner === request.owner;
      const png = isOwn ? await app.jobs.file(id, name) : undefined;
      if (!png) throw new WireFault('not_found', null, `There is no picture '${name.slice(0, 60)}' here, or no more.`);
      const picture = await renderPicture(png, { size: parseSize(size), format, quality });
      return reply.type(`image/${format}`).header('cache-control', 'private, max-age=3600').send(Buffer.from(picture));
    },
  );
}
