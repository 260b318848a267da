/** Pictures in requests, in every way that clients write them. */
import type { FastifyRequest } from 'fastify';
import { DuetError } from '../../../src/core/errors.ts';
import { WireFault } from './wire-fault.ts';

/**
 * The one picture of a field that holds bytes, base64 text, a data URL, OpenAI's `{image_url}`, or a list of them;
 * undefined if there is none.
 * @throws WireFault that names the field where it holds several pictures, or something else
 */
export async function pictureOf(
  request: FastifyRequest,
  name: string,
  value: unknown,
): Promise<Uint8Array | undefined> {
  const [only, ...others] = [value].flat().filter(item => item !== undefined && item !== null && item !== '');
  if (others.length > 0) {
    const message = `'${name}' takes one picture, got ${others.length + 1}; send one request for each.`;
    throw new WireFault('unsupported_value', name, message);
  }
  if (only === undefined) return undefined;
  const { pictures } = request.server;
  try {
    if (only instanceof Uint8Array) return await pictures.check(only);
    return await pictures.fromText(addressOf(name, only), request.disconnected);
  } catch (error) {
    throw named(name, error);
  }
}

/** The field is not known where pictures are checked. */
function named(name: string, error: unknown): unknown {
  if (!DuetError.isInstance(error)) return error;
  if (error.code === 'invalid-image') return new WireFault('invalid_image', name, `'${name}': ${error.message}`);
  return error.code === 'too-large' ? new WireFault('request_too_large', name, `'${name}': ${error.message}`) : error;
}

/** Base64 text or a URL, also as the object around it that OpenAI's clients write: `{image_url: "..."}` or `{url: "..."}`. */
function addressOf(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  const { image_url: imageUrl, url, file_id: fileId } = (value ?? {}) as Readonly<Record<string, unknown>>;
  const inner = imageUrl ?? url;
  if (inner !== undefined && inner !== null && value !== inner) return addressOf(name, inner);
  if (fileId !== undefined && fileId !== null) {
    const message = `'${name}' names a file by its file_id, but no files are kept here; send the picture as image_url.`;
    throw new WireFault('unsupported_value', name, message);
  }
  const message = `Invalid value for '${name}': give a file, base64 text, a data URL or {"image_url": "data:..."}.`;
  throw new WireFault('invalid_value', name, message);
}
