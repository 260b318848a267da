/**
 * Text chunks of PNG files (PNG specification, third edition, section 11.3.3): tEXt for Latin-1, iTXt for anything else,
 * and zTXt when reading. Files come from strangers: every length is checked and decompression is bounded.
 */
import { crc32, inflateSync } from 'node:zlib';
import { decodeUtf8OrLatin1 } from '../core/text.ts';

const signature = Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10);
/** Signature and IHDR, which comes first and always has 13 bytes. */
const headerEnd = 8 + 12 + 13;
/** Longest text, in bytes, that is decompressed; one that is not compressed is bounded by its file. */
const longestInflated = 8 * 2 ** 20;

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
  for (const { type, data } of pngChunks(png, Object.keys(readers))) {
    const end = data.subarray(0, 80).indexOf(0);
    const keyword = latin1(data.subarray(0, Math.max(0, end)));
    if (!wanted.delete(keyword)) continue;
    const text = readers[type]!(data.subarray(end + 1));
    if (text !== undefined) texts[keyword] = text;
  }
  return texts;
}

/** The content of the chunk eXIf, a TIFF structure, if there is one. */
export function readPngExif(png: Uint8Array): Uint8Array | undefined {
  const [first] = pngChunks(png, ['eXIf']);
  return first?.data;
}

interface Chunk {
  readonly type: string;
  readonly data: Uint8Array;
}

/** Chunks of certain `types` with a right check sum. */
function* pngChunks(png: Uint8Array, types: readonly string[]): Generator<Chunk> {
  if (!isPng(png)) return;
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  let start = 8;
  while (start + 12 <= png.length) {
    const length = view.getUint32(start);
    const end = start + 8 + length;
    if (end + 4 > png.length) return;
    const type = latin1(png.subarray(start + 4, start + 8));
    if (types.includes(type) && crc32(png.subarray(start + 4, end)) === view.getUint32(end)) {
      yield { type, data: png.subarray(start + 8, end) };
    }
    if (type === 'IEND') return;
    start = end + 4;
  }
}

/**
 * Each takes what follows the keyword's zero byte. tEXt and zTXt are Latin-1 by the standard, but many programs write
 * UTF-8 into them, and Latin-1 of any language is hardly ever valid UTF-8 with a character beyond ASCII.
 */
const readers: Readonly<Record<string, (data: Uint8Array) => string | undefined>> = {
  tEXt: decodeUtf8OrLatin1,
  zTXt(data) {
    const text = data[0] === 0 ? inflate(data.subarray(1)) : undefined;
    return text && decodeUtf8OrLatin1(text);
  },
  iTXt(data) {
    const [compressed, method] = data;
    const languageEnd = data.indexOf(0, 2);
    const translationEnd = languageEnd < 0 ? -1 : data.indexOf(0, languageEnd + 1);
    if (translationEnd < 0) return undefined;
    const rest = data.subarray(translationEnd + 1);
    if (compressed === 0) return utf8(rest);
    const text = compressed === 1 && method === 0 ? inflate(rest) : undefined;
    return text && utf8(text);
  },
};

function inflate(data: Uint8Array): Uint8Array | undefined {
  try {
    return inflateSync(data, { maxOutputLength: longestInflated });
  } catch {
    return undefined; // not zlib data, or a bomb
  }
}

/** tEXt, which every program reads, if the text is Latin-1 and its bytes would not be taken for UTF-8. */
function textChunk(keyword: string, text: string): Uint8Array {
  const clean = text.replaceAll('\0', ' '); // a zero byte would end it
  const bytes = Buffer.from(clean, 'latin1');
  return decodeUtf8OrLatin1(bytes) === clean
    ? chunk('tEXt', [Buffer.from(`${keyword}\0`, 'latin1'), bytes])
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
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}
