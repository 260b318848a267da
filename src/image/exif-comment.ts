/**
 * The EXIF tag UserComment in JPEG and WebP files, where AUTOMATIC1111's web UI and its readers keep infotext (Exif 2.32,
 * section 4.6.5). Written as UTF-16 after the mark UNICODE, big-endian like the TIFF structure around it.
 */

const exifPointer = 0x8769;
const userComment = 0x9286;
const longType = 4;
const undefinedType = 7;
const exifMark = Buffer.from('Exif\0\0', 'latin1');
const unicodeMark = 'UNICODE\0';
/** An APP1 segment counts its bytes in 16 bits. */
const longestSegment = 0xffff - 2;
const longestComment = 2 ** 20;

export function isJpeg(bytes: Uint8Array): boolean {
  return bytes.length > 4 && bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
}

export function isWebp(bytes: Uint8Array): boolean {
  return bytes.length > 20 && ascii(bytes, 0) === 'RIFF' && ascii(bytes, 8) === 'WEBP';
}

/** `bytes` with the comment; a comment too long for a JPEG's segment, and any other format, leave them as they are. */
export function insertExifComment(bytes: Uint8Array, comment: string): Uint8Array {
  const tiff = tiffOf(comment);
  if (isWebp(bytes)) return insertIntoWebp(bytes, tiff);
  const size = exifMark.length + tiff.length;
  if (!isJpeg(bytes) || size > longestSegment) return bytes;
  const head = Buffer.from([0xff, 0xe1, (size + 2) >> 8, (size + 2) & 255]);
  return new Uint8Array(Buffer.concat([bytes.subarray(0, 2), head, exifMark, tiff, bytes.subarray(2)]));
}

/** The comment of a JPEG or WebP file, if it has one that can be read. */
export function readExifComment(bytes: Uint8Array): string | undefined {
  const tiff = isWebp(bytes) ? tiffOfWebp(bytes) : isJpeg(bytes) ? tiffOfJpeg(bytes) : undefined;
  const comment = tiff && commentOf(tiff);
  return comment && comment.length <= longestComment ? decodeComment(comment) : undefined;
}

/** A TIFF structure of two directories with one entry each: the pointer to the second, and the comment in it. */
function tiffOf(comment: string): Buffer {
  const text = Buffer.from(comment.replaceAll('\0', ' '), 'utf16le').swap16();
  const data = Buffer.concat([Buffer.from(unicodeMark, 'latin1'), text]);
  const [first, second, dataStart] = [8, 26, 44];
  const head = Buffer.alloc(dataStart);
  head.write('MM', 0, 'latin1');
  head.writeUInt16BE(42, 2);
  head.writeUInt32BE(first, 4);
  const directory = (at: number, tag: number, type: number, count: number, value: number) => {
    head.writeUInt16BE(1, at);
    head.writeUInt16BE(tag, at + 2);
    head.writeUInt16BE(type, at + 4);
    head.writeUInt32BE(count, at + 6);
    head.writeUInt32BE(value, at + 10);
  };
  directory(first, exifPointer, longType, 1, second);
  directory(second, userComment, undefinedType, data.length, dataStart);
  return Buffer.concat([head, data]);
}

function commentOf(tiff: Uint8Array): Uint8Array | undefined {
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  if (tiff.length < 14) return undefined;
  const little = ascii(tiff, 0).startsWith('II');
  const entry = (directory: number, tag: number): number | undefined => {
    if (directory + 2 > tiff.length) return undefined;
    const count = view.getUint16(directory, little);
    for (let at = directory + 2; at < directory + 2 + 12 * count && at + 12 <= tiff.length; at += 12) {
      if (view.getUint16(at, little) === tag) return at;
    }
    return undefined;
  };
  const pointer = entry(view.getUint32(4, little), exifPointer);
  const found = pointer === undefined ? undefined : entry(view.getUint32(pointer + 8, little), userComment);
  if (found === undefined) return undefined;
  const [length, start] = [view.getUint32(found + 4, little), view.getUint32(found + 8, little)];
  return start + length <= tiff.length ? tiff.subarray(start, start + length) : undefined;
}

function decodeComment(comment: Uint8Array): string {
  const mark = Buffer.from(comment.subarray(0, 8)).toString('latin1');
  const text = comment.subarray(8);
  if (mark !== unicodeMark) return trimEnd(new TextDecoder().decode(mark.startsWith('ASCII') ? text : comment));
  // Byte orders differ among writers: the zero bytes of ASCII characters give them away.
  const zeros = [0, 0];
  for (const [index, byte] of text.entries()) if (byte === 0) zeros[index % 2]!++;
  return trimEnd(new TextDecoder(zeros[1]! > zeros[0]! ? 'utf-16le' : 'utf-16be').decode(text));
}

function trimEnd(text: string): string {
  return text.replace(/[\0 ]+$/, '');
}

function tiffOfJpeg(bytes: Uint8Array): Uint8Array | undefined {
  let start = 2;
  while (start + 4 <= bytes.length && bytes[start] === 0xff && bytes[start + 1] !== 0xda) {
    const end = start + 2 + ((bytes[start + 2]! << 8) | bytes[start + 3]!);
    const data = bytes.subarray(start + 4, end);
    if (bytes[start + 1] === 0xe1 && exifMark.every((byte, index) => data[index] === byte)) return data.subarray(6);
    start = Math.max(end, start + 4);
  }
  return undefined;
}

function tiffOfWebp(bytes: Uint8Array): Uint8Array | undefined {
  for (const { type, data } of riffChunks(bytes)) {
    if (type !== 'EXIF') continue;
    return exifMark.every((byte, index) => data[index] === byte) ? data.subarray(6) : data;
  }
  return undefined;
}

/** Metadata needs the extended form of the file: a VP8X chunk in front that says what there is. */
function insertIntoWebp(bytes: Uint8Array, tiff: Uint8Array): Uint8Array {
  const chunks = [...riffChunks(bytes)];
  const [first] = chunks;
  if (!first) return bytes;
  const extended = first.type === 'VP8X' ? first.data.slice() : extendedHeader(first);
  if (!extended || extended.length < 10) return bytes;
  extended[0]! |= 0x08; // there is EXIF
  const pictures = first.type === 'VP8X' ? chunks.slice(1) : chunks;
  const all = [{ type: 'VP8X', data: extended }, ...pictures, { type: 'EXIF', data: tiff }];
  const body = Buffer.concat([Buffer.from('WEBP', 'latin1'), ...all.map(riffChunk)]);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(body.length);
  return new Uint8Array(Buffer.concat([Buffer.from('RIFF', 'latin1'), size, body]));
}

/** The VP8X chunk of a file that has none: flags, three reserved bytes, width - 1 and height - 1 in 24 bits each. */
function extendedHeader({ type, data }: RiffChunk): Uint8Array | undefined {
  if (data.length < 10) return undefined;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const header = Buffer.alloc(10);
  if (type === 'VP8L') {
    const bits = view.getUint32(1, true);
    if (bits & (1 << 28)) header[0] = 0x10; // there is transparency
    header.writeUIntLE(bits & 0x3fff, 4, 3);
    header.writeUIntLE((bits >>> 14) & 0x3fff, 7, 3);
    return header;
  }
  if (type !== 'VP8 ') return undefined;
  header.writeUIntLE((view.getUint16(6, true) & 0x3fff) - 1, 4, 3);
  header.writeUIntLE((view.getUint16(8, true) & 0x3fff) - 1, 7, 3);
  return header;
}

interface RiffChunk {
  readonly type: string;
  readonly data: Uint8Array;
}

function* riffChunks(bytes: Uint8Array): Generator<RiffChunk> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let start = 12;
  while (start + 8 <= bytes.length) {
    const length = view.getUint32(start + 4, true);
    const end = start + 8 + length;
    if (end > bytes.length) return;
    yield { type: ascii(bytes, start), data: bytes.subarray(start + 8, end) };
    start = end + (length & 1); // chunks begin at even offsets
  }
}

function riffChunk({ type, data }: RiffChunk): Buffer {
  const head = Buffer.alloc(8);
  head.write(type, 'latin1');
  head.writeUInt32LE(data.length, 4);
  return Buffer.concat([head, data, Buffer.alloc(data.length & 1)]);
}

function ascii(bytes: Uint8Array, start: number): string {
  return Buffer.from(bytes.subarray(start, start + 4)).toString('latin1');
}
