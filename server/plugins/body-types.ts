/**
 * Bodies are JSON or multipart forms, nothing else: a text/plain POST would need no preflight, so any web page could send
 * one. A JSON body of no bytes counts as absent, as many clients announce JSON and send nothing.
 */
import multipart from '@fastify/multipart';
import type { FastifyInstance } from 'fastify';
import { DuetError } from '../../src/core/errors.ts';
import type { ServerConfig } from '../config.ts';

/** A form has at most image, image2 and mask, and one to spare; a form of unknown size holds no more than these. */
const mostFiles = 4;
const mostFields = 100;
const longestField = 1_000_000;

export async function acceptBodies(app: FastifyInstance, { maxBodyBytes }: ServerConfig): Promise<void> {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else parseJson(request, body as string, done);
  });
  await app.register(multipart, {
    limits: {
      fileSize: maxBodyBytes,
      files: mostFiles,
      fields: mostFields,
      parts: mostFiles + mostFields,
      fieldNameSize: 100,
      fieldSize: Math.min(longestField, maxBodyBytes),
      headerPairs: 50,
    },
    throwFileSizeLimit: true,
  });
  limitWholeForms(app, maxBodyBytes);
}

/** Multipart's own limits hold for each part; this one for all of them together, where the client tells their size. */
function limitWholeForms(app: FastifyInstance, maxBodyBytes: number): void {
  app.addHook('onRequest', async ({ headers }) => {
    if (!(Number(headers['content-length']) > maxBodyBytes)) return;
    throw new DuetError('too-large', `The request is larger than ${maxBodyBytes} bytes; send smaller pictures`);
  });
}
