/** Pictures as data URLs: Replicate's client fetches what it is told without the API key. */
import type { FastifyRequest } from 'fastify';
import type { JobView } from '../../jobs/types.ts';
import { renderPicture } from '../compat/render-picture.ts';
import { fileType } from '../native/file-type.ts';

export function pictureUrl(bytes: Uint8Array): string {
  const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
  return `data:${fileType(bytes)};base64,${base64}`;
}

/** A picture of a job, as its request wishes it to look; undefined if it is not kept. */
export async function pictureFileUrl(
  { server }: FastifyRequest,
  { id, request: { rendering } }: JobView,
  file: string,
): Promise<string | undefined> {
  const bytes = await server.jobs.file(id, file);
  return bytes && pictureUrl(rendering ? await renderPicture(bytes, rendering) : bytes);
}
