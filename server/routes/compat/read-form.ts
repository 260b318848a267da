/** Forms with files become bodies like those in JSON: text under its name, the bytes of files in their place. */
import type { MultipartFile } from '@fastify/multipart';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { mostParts } from '../../plugins/body-types.ts';
import { decodeUtf8, parseJson, UnreadableJson } from '../../plugins/json-body.ts';
import { pathOfName, withField } from './form-fields.ts';
import { WireFault } from './wire-fault.ts';

const longestName = 200;
const plainEncodings: ReadonlySet<string> = new Set(['7bit', '8bit', 'binary']);

/** A `preValidation` hook. Parts of one name become a list, as with `image[]`. Nothing is cut: what is too much is refused. */
export async function readForm(request: FastifyRequest): Promise<void> {
  if (!request.isMultipart() || request.body) return;
  try {
    request.body = await readParts(request);
  } catch (error) {
    // What is still on its way is thrown away, so that the client can read the answer.
    request.raw.unpipe();
    request.raw.resume();
    throw faultOf(error, request.server.config.maxBodyBytes);
  }
}

async function readParts(request: FastifyRequest): Promise<object> {
  const { maxBodyBytes } = request.server.config;
  let body: Readonly<Record<string, unknown>> = {};
  let parts = 0;
  let bytes = 0;
  for await (const part of request.files()) {
    const name = nameOf(part);
    if (++parts > mostParts) throw tooLarge(name, `with '${name}' the form has more than ${mostParts} parts`);
    const content = await part.toBuffer();
    bytes += content.length;
    if (bytes > maxBodyBytes) throw tooLarge(name, `with '${name}' the form has more than ${maxBodyBytes} bytes`);
    body = withField(body, pathOfName(name), contentOf(request, name, part, transferred(name, part.encoding, content)));
  }
  return body;
}

function nameOf({ fieldname }: { readonly fieldname: string | undefined }): string {
  if (fieldname === undefined || fieldname === '') {
    throw new WireFault('invalid_value', null, 'A part of the form has no name.');
  }
  if (fieldname.length <= longestName) return fieldname;
  const shown = `${fieldname.slice(0, 40)}...`;
  throw new WireFault('invalid_value', shown, `The name of the form's field '${shown}' is longer than ${longestName}.`);
}

/** The bytes behind the encodings of e-mail, which RFC 7578 (section 4.7) deprecates and some libraries still write. */
function transferred(name: string, encoding: string, content: Buffer): Uint8Array {
  if (encoding === 'base64') return new Uint8Array(Buffer.from(content.toString('latin1'), 'base64'));
  if (plainEncodings.has(encoding)) return new Uint8Array(content);
  const message = `The form's field '${name}' comes in the transfer encoding '${encoding.slice(0, 40)}'; send it as binary.`;
  throw new WireFault('unsupported_value', name, message);
}

/** The bytes of a file; the text of a field, or its value where it is announced as JSON. */
function contentOf({ server }: FastifyRequest, name: string, { filename, mimetype }: MultipartFile, bytes: Uint8Array) {
  const isFile = (filename as string | undefined) !== undefined || mimetype === 'application/octet-stream';
  if (isFile) return bytes;
  if (mimetype === 'application/json') return jsonOf(server, name, bytes);
  const text = decodeUtf8(bytes);
  if (text !== undefined) return text;
  const message = `The form's field '${name}' is not valid UTF-8; send text as UTF-8, and files with a file name.`;
  throw new WireFault('invalid_value', name, message);
}

function jsonOf(server: FastifyInstance, name: string, bytes: Uint8Array): unknown {
  try {
    return parseJson(server, bytes);
  } catch (error) {
    if (!(error instanceof UnreadableJson)) throw error;
    throw new WireFault('invalid_value', name, `The form's field '${name}' ${error.reason}.`);
  }
}

function tooLarge(name: string | null, what: string): WireFault {
  return new WireFault('request_too_large', name, `The request is too large: ${what}.`);
}

/** The form parser's own errors, which tell limits without their fields. */
function faultOf(error: unknown, maxBodyBytes: number): unknown {
  const { code, part, statusCode } = error as { code?: string; part?: { fieldname: string }; statusCode?: number };
  if (code === 'FST_REQ_FILE_TOO_LARGE' && part) {
    return tooLarge(part.fieldname, `'${part.fieldname}' alone has more than ${maxBodyBytes} bytes`);
  }
  if (code === 'FST_PARTS_LIMIT' || code === 'FST_FILES_LIMIT') {
    return tooLarge(null, `the form has more than ${mostParts} parts`);
  }
  if (statusCode !== undefined) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new WireFault('invalid_value', null, `The form cannot be read: ${reason}`);
}
