/** Forms with files become bodies like those in JSON: text under its name, the bytes of files in their place. */
import type { FastifyRequest } from 'fastify';
import { WireFault } from './wire-fault.ts';

/** A `preValidation` hook. Two parts of one name become a list, as with `image[]`. */
export async function readForm(request: FastifyRequest): Promise<void> {
  if (!request.isMultipart() || request.body) return;
  try {
    request.body = await readParts(request);
  } catch (error) {
    if (error instanceof Error && 'statusCode' in error) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new WireFault('invalid_value', null, `The form cannot be read: ${reason}`);
  }
}

async function readParts(request: FastifyRequest): Promise<object> {
  const body = new Map<string, unknown>();
  for await (const part of request.parts()) {
    const value: unknown = part.type === 'file' ? new Uint8Array(await part.toBuffer()) : part.value;
    const earlier = body.get(part.fieldname);
    body.set(part.fieldname, earlier === undefined ? value : [earlier, value].flat());
  }
  return Object.fromEntries(body);
}

/** The one picture of a field that holds bytes, base64 text, a data URL, or a list of them; undefined if there is none. */
export async function pictureOf(
  request: FastifyRequest,
  name: string,
  value: unknown,
): Promise<Uint8Array | undefined> {
  const values = (Array.isArray(value) ? value : [value]).filter(item => item !== undefined && item !== '');
  if (values.length > 1) {
    throw new WireFault('unsupported_value', name, `'${name}' takes one picture, got ${values.length}.`);
  }
  const [only] = values;
  if (only === undefined) return undefined;
  if (only instanceof Uint8Array) return request.server.pictures.check(only);
  if (typeof only === 'string') return request.server.pictures.fromText(only, request.hangUp);
  throw new WireFault('invalid_value', name, `Invalid value for '${name}': give a file, base64 text or a data URL.`);
}
