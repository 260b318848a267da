/** What a picture can be given as, and how its bytes are got. */
import { open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { DuetError } from '../core/errors.ts';
import { fetchPicture, shownAddress } from './fetch-picture.ts';
import type { Pixels } from './pixels.ts';

/**
 * A path, an address (http:, https:, file: or data:), the bytes of an encoded picture, or pixels. A text may name any file
 * or address: of what strangers send give the bytes.
 */
export type ImageInput = string | URL | Uint8Array | Pixels;

export interface DecodeOptions {
  /** Largest encoded size. @default 64 MiB */
  readonly maxBytes?: number;
  /** Largest decoded size, width x height. @default 100 million */
  readonly maxPixels?: number;
  /** Time for a picture behind an http(s) address. @default 30 seconds */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

const defaultMaxBytes = 64 * 2 ** 20;
const defaultTimeoutMs = 30_000;
const dataUrl = /^data:([^,]*),(.*)$/is;

export function isPixels(input: ImageInput): input is Pixels {
  return typeof input === 'object' && 'width' in input && 'data' in input;
}

/** Whether a text is an address rather than a path or words. */
export function isPictureAddress(text: string): boolean {
  return /^(https?:\/\/|file:\/|data:[\w.+/-]*(;[^,\s]*)?,)/i.test(text);
}

/** What stands for the picture in errors. */
export function nameOf(input: Exclude<ImageInput, Pixels>): string {
  if (input instanceof Uint8Array) return 'The picture';
  const text = String(input);
  if (/^data:/i.test(text)) return 'The data URL';
  return /^https?:/i.test(text) ? shownAddress(text) : text;
}

/** `input` itself unless it is behind an http(s) address: then its bytes. Waiting for others is done before work of ours. */
export async function fetchIfRemote(input: ImageInput, options: DecodeOptions = {}): Promise<ImageInput> {
  const isRemote = (typeof input === 'string' || input instanceof URL) && /^https?:/i.test(String(input));
  return isRemote ? readImageBytes(input, options) : input;
}

/** The bytes of the encoded picture, at least one. @throws DuetError 'invalid-image' */
export async function readImageBytes(
  input: Exclude<ImageInput, Pixels>,
  { maxBytes = defaultMaxBytes, timeoutMs = defaultTimeoutMs, signal }: DecodeOptions = {},
): Promise<Uint8Array> {
  signal?.throwIfAborted();
  const bytes = await bytesOf(input, { maxBytes, timeoutMs, ...(signal && { signal }) });
  if (bytes.length > maxBytes) throw tooLarge(nameOf(input), `${bytes.length} bytes`, `${maxBytes} bytes`);
  if (bytes.length > 0) return bytes;
  throw new DuetError('invalid-image', `${nameOf(input)} is empty; give a picture`);
}

export function tooLarge(source: string, got: string, limit: string): DuetError {
  return new DuetError('invalid-image', `${source} has ${got}, at most ${limit} are allowed; make it smaller`);
}

async function bytesOf(
  input: Exclude<ImageInput, Pixels>,
  limits: { readonly maxBytes: number; readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<Uint8Array> {
  if (input instanceof Uint8Array) return input;
  const text = String(input);
  if (/^data:/i.test(text)) return decodeDataUrl(text, limits.maxBytes);
  if (/^https?:/i.test(text)) return fetchPicture(text, limits);
  return readFileUpTo(/^file:/i.test(text) ? pathOf(text) : text, limits.maxBytes);
}

/** RFC 2397: base64 after `;base64`, otherwise percent-encoded bytes. */
function decodeDataUrl(text: string, maxBytes: number): Uint8Array {
  const [, head, body] = dataUrl.exec(text) ?? [];
  if (head === undefined || body === undefined) throw notADataUrl();
  if (body.length > 3 * maxBytes) throw tooLarge('The data URL', `${body.length} characters`, `${maxBytes} bytes`);
  if (!/;\s*base64\s*$/i.test(head)) return percentDecoded(body);
  const base64 = Buffer.from(percentDecoded(body)).toString('latin1').replace(/\s+/g, '');
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(base64)) throw notADataUrl();
  return new Uint8Array(Buffer.from(base64, 'base64'));
}

function percentDecoded(text: string): Uint8Array {
  const binary = text.replace(/%([0-9a-f]{2})/gi, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  return new Uint8Array(Buffer.from(binary, 'latin1'));
}

function notADataUrl(): DuetError {
  return new DuetError('invalid-image', 'A data URL of a picture looks like data:image/png;base64,...');
}

function pathOf(address: string): string {
  try {
    return fileURLToPath(address);
  } catch (error) {
    throw cannotOpen(address, error);
  }
}

/** Sizes are not believed: what is no ordinary file, such as a pipe or /dev/zero, has none. */
async function readFileUpTo(path: string, maxBytes: number): Promise<Uint8Array> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    throw cannotOpen(path, error);
  });
  try {
    const stats = await handle.stat();
    if (stats.isDirectory()) throw new DuetError('invalid-image', `${path} is a folder; give a picture file`);
    if (stats.size > maxBytes) throw tooLarge(path, `${stats.size} bytes`, `${maxBytes} bytes`);
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of handle.createReadStream({
      autoClose: false,
      highWaterMark: 2 ** 20,
    }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) throw tooLarge(path, 'more', `${maxBytes} bytes`);
      chunks.push(chunk);
    }
    return new Uint8Array(Buffer.concat(chunks));
  } catch (error) {
    throw DuetError.isInstance(error) ? error : cannotOpen(path, error);
  } finally {
    await handle.close();
  }
}

function cannotOpen(path: string, error: unknown): DuetError {
  const reason = error instanceof Error ? error.message : String(error);
  return new DuetError('invalid-image', `Cannot open the picture ${path}: ${reason}`, { cause: error });
}
