/**
 * POST /files: clients upload pictures here before they ask for a prediction, and send the address that they get as input.
 * That address is a data URL with the picture in it: nothing is kept, so nothing runs full, expires or is anybody else's.
 */
import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { FileBody } from '../../schemas/replicate.ts';
import { pictureOf } from '../compat/read-picture.ts';
import { WireFault } from '../compat/wire-fault.ts';
import { pictureUrl } from './picture-url.ts';

const idDigits = 32;

export async function fileRoutes(app: FastifyInstance): Promise<void> {
  app.post<{ Body: FileBody }>(
    '/files',
    {
      schema: {
        tags: ['Replicate'],
        summary: 'A data URL for a picture, to be sent as input',
        consumes: ['multipart/form-data'],
        body: FileBody,
      },
    },
    async (request, reply) => {
      const bytes = await pictureOf(request, 'content', request.body.content);
      if (!bytes)
        throw new WireFault('missing_required_parameter', 'content', "Missing required parameter: 'content'.");
      const url = pictureUrl(bytes);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      return reply.code(201).send({
        id: sha256.slice(0, idDigits),
        content_type: url.slice('data:'.length, url.indexOf(';')),
        size: bytes.length,
        checksums: { sha256 },
        metadata: {},
        created_at: new Date().toISOString(),
        expires_at: null,
        urls: { get: url },
      });
    },
  );
}
