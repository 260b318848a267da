/**
 * JSON as strangers send it. What cannot be read exactly is refused with the reason: bytes that are no UTF-8 (RFC 8259,
 * section 8.1, knows no other encoding, whatever charset is announced), and nesting so deep that code which walks through
 * the value runs out of stack.
 */
import type { FastifyInstance } from 'fastify';

/** The requests of real clients are nested less than ten deep. */
const deepest = 100;

const quote = 34;
const backslash = 92;
const opening: ReadonlySet<number> = new Set([91, 123]); // [ {
const closing: ReadonlySet<number> = new Set([93, 125]); // ] }

/** Why a text is no JSON that can be served: `reason` continues a sentence, as in "The body is not valid JSON". */
export class UnreadableJson extends Error {
  readonly statusCode = 400;
  readonly reason: string;

  constructor(reason: string) {
    super(`The body ${reason}`);
    this.name = 'UnreadableJson';
    this.reason = reason;
  }
}

/** UTF-8 without a byte order mark; undefined where the bytes are no UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * The value in `bytes`, undefined where there are none. Of a key that is there twice the last value counts, as in the JSON
 * parsers of the servers that these APIs come from.
 * @throws UnreadableJson
 */
export function parseJson(app: FastifyInstance, bytes: Uint8Array): unknown {
  if (bytes.length === 0) return undefined;
  const text = decodeUtf8(bytes);
  if (text === undefined) throw new UnreadableJson('is not valid UTF-8');
  if (isDeeperThan(text, deepest)) throw new UnreadableJson(`is nested more than ${deepest} levels deep`);
  let value: unknown;
  let isRefused = false;
  // Fastify's own parser, which refuses keys that change prototypes; it calls back at once and tells no reasons.
  app.getDefaultJsonParser('error', 'error')(undefined as never, text, (error, parsed) => {
    isRefused = error !== null;
    value = parsed;
  });
  if (isRefused) throw new UnreadableJson(reasonOf(text));
  return value;
}

function reasonOf(text: string): string {
  try {
    JSON.parse(text);
  } catch (error) {
    return `is not valid JSON: ${error instanceof Error ? error.message : String(error)}`;
  }
  return 'holds the key __proto__ or constructor.prototype, which is not allowed';
}

/** Whether more than `limit` brackets outside of strings are open at once. */
function isDeeperThan(json: string, limit: number): boolean {
  let depth = 0;
  for (let i = 0; i < json.length; i++) {
    const code = json.charCodeAt(i);
    if (code === quote) i = endOfString(json, i);
    else if (opening.has(code) && ++depth > limit) return true;
    else if (closing.has(code)) depth--;
  }
  return false;
}

/** Where the string that begins at `start` ends; the end of the text if it does not. */
function endOfString(json: string, start: number): number {
  let end = json.indexOf('"', start + 1);
  while (end >= 0 && isEscaped(json, end)) end = json.indexOf('"', end + 1);
  return end < 0 ? json.length : end;
}

/** Whether an odd number of backslashes stands before `index`. */
function isEscaped(json: string, index: number): boolean {
  let first = index;
  while (json.charCodeAt(first - 1) === backslash) first--;
  return (index - first) % 2 === 1;
}
