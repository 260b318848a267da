/**
 * Text chunks of PNG files (PNG specification, third edition, section 11.3.3): tEXt for Latin-1, iTXt for anything else,
 * and zTXt when reading. Files come from strangers: every length is checked and decompression is bounded.
 */
import { crc32, inflateSync } from 'node:zlib';

const signature = Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10);
/** Signature and IHDR, which comes first and always has 13 bytes. */
const headerEnd = 8 + 12 + 13;
/** Longest text that is read, compressed or not. */
const longestText = 2 ** 20;

export function isPng(bytes: Uint8Array): boolean {
  return bytes.length >= headerEnd && signature.every((byte, index) => bytes[index] === byte);
}

/** `png` with a text chunk for each entry, right after its header. */
export function insertPngTexts(png: Uint8Array, texts: Readonly<Record<string, string>>): Uint8Array {
  const chunks = Object.entries(texts).map(([keyword, text]) => textChunk(keyword, text));
  return new Uint8Array(Buffer.concat([png.subarray(0, headerEnd), ...chunks, png.subarray(headerEnd)]));
}

/**
 * The text of each of `keywords`, as far as its first chunk can be read: later ones are not tried, for a file may hold
 * thousands of bombs. Any bytes give an answer.
 */
export function readPngTexts(png: Uint8Array, keywords: readonly string[]): Record<string, string> {
  const texts: Record<string, string> = {};
  const wanted = new Set(keywords);
  for (const { type, data } of chunksOf(png)) {
    const reader = readers[type];
    if (!reader) continue;
    const end = data.subarray(0, 80).indexOf(0);
    const keyword = latin1(data.subarray(0, Math.max(0, end)));
    if (!wanted.delete(keyword)) continue;
    const text = reader(data.subarray(end + 1));
    if (text !== undefined) texts[keyword] = text;
  }
  return texts;
}

interface Chunk {
  readonly type: string;
  readonly data: Uint8Array;
}

function* chunksOf(png: Uint8Array): Generator<Chunk> {
  if (!isPng(png)) return;
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  let start = 8;
  while (start + 12 <= png.length) {
    const length = view.getUint32(start);
    const end = start + 8 + length;
    if (end + 4 > png.length) return;
    const type = latin1(png.subarray(start + 4, start + 8));
    const isText = Object.hasOwn(readers, type);
    if (isText && crc32(png.subarray(start + 4, end)) === view.getUint32(end)) {
      yield { type, data: png.subarray(start + 8, end) };
    }
    if (type === 'IEND') return;
    start = end + 4;
  }
}

/** Each takes what follows the keyword's zero byte. */
const readers: Readonly<Record<string, (data: Uint8Array) => string | undefined>> = {
  tEXt: data => (data.length > longestText ? undefined : latin1(data)),
  zTXt(data) {
    const text = data[0] === 0 ? inflate(data.subarray(1)) : undefined;
    return text && latin1(text);
  },
  iTXt(data) {
    const [compressed, method] = data;
    const languageEnd = data.indexOf(0, 2);
    const translationEnd = languageEnd < 0 ? -1 : data.indexOf(0, languageEnd + 1);
    if (translationEnd < 0) return undefined;
    const rest = data.subarray(translationEnd + 1);
    if (compressed === 0) return rest.length > longestText ? undefined : utf8(rest);
    const text = compressed === 1 && method === 0 ? inflate(rest) : undefined;
    return text && utf8(text);
  },
};

function inflate(data: Uint8Array): Uint8Array | undefined {
  try {
    return inflateSync(data, { maxOutputLength: longestText });
  } catch {
    return undefined; // not zlib data, or a bomb
  }
}

function textChunk(keyword: string, text: string): Uint8Array {
  const clean = text.replaceAll('\0', ' '); // a zero byte would end it
  const isLatin1 = !/[\u0100-\uffff]/.test(clean);
  return isLatin1
    ? chunk('tEXt', [Buffer.from(`${keyword}\0${clean}`, 'latin1')])
    : chunk('iTXt', [Buffer.from(`${keyword}\0\0\0\0\0`, 'latin1'), Buffer.from(clean, 'utf8')]);
}

function chunk(type: string, data: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), ...data]);
  const bytes = Buffer.alloc(body.length + 8);
  bytes.writeUInt32BE(body.length - 4, 0);
  bytes.set(body, 4);
  bytes.writeUInt32BE(crc32(body), body.length + 4);
  return bytes;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

function utf8(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
