/**
 * Bodies are JSON or multipart forms, nothing else: a text/plain POST would need no preflight, so any web page could send
 * one. A JSON body of no bytes counts as absent, as many clients announce JSON and send nothing. Forms are read by
 * `readForm`.
 */
import multipart from '@fastify/multipart';
import type { FastifyInstance } from 'fastify';
import { DuetError } from '../../src/core/errors.ts';
import type { ServerConfig } from '../config.ts';
import { parseJson } from './json-body.ts';

/** OpenAI's clients may send 16 pictures and a mask; the rest is room for fields. */
export const mostParts = 120;
/** Beyond it the parser leaves the rest of a part's head out without a word. */
const largestPartHead = 2 ** 20;

export async function acceptBodies(app: FastifyInstance, { maxBodyBytes }: ServerConfig): Promise<void> {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (_request: unknown, body: Buffer) =>
    parseJson(app, body),
  );
  // One part beyond what is allowed is handed over, so that the error can name it. (`headerSize` lacks in the types.)
  const limits = { fileSize: maxBodyBytes, files: mostParts + 1, parts: mostParts + 1, headerSize: largestPartHead };
  await app.register(multipart, {
    // Text comes as bytes too: the parser would cut it, and replace what is no UTF-8, without a word.
    isPartAFile: () => true,
    limits,
    throwFileSizeLimit: true,
  });
  limitWholeForms(app, maxBodyBytes);
  app.addHook('onRequest', async ({ headers: { 'content-encoding': encoding = 'identity' } }) => {
    if (encoding.trim().toLowerCase() === 'identity') return;
    const message = `Bodies are not unpacked here; send yours without content-encoding ${encoding.slice(0, 100)}`;
    throw new DuetError('unsupported-media-type', message);
  });
}

/** Where the client tells the size of a form; where it does not, `readForm` counts. */
function limitWholeForms(app: FastifyInstance, maxBodyBytes: number): void {
  app.addHook('onRequest', async ({ headers }) => {
    if (!(Number(headers['content-length']) > maxBodyBytes)) return;
    throw new DuetError('too-large', `The request is larger than ${maxBodyBytes} bytes; send smaller pictures`);
  });
}
