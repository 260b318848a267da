/** The RIFF chunks of a WebP file (RFC 9649), where metadata lie. Any bytes give an answer. */

export interface WebpChunk {
  /** Four characters, such as `EXIF`. */
  readonly type: string;
  readonly data: Uint8Array;
}

const hasAlpha = 0x10;
const hasExif = 0x08;

export function isWebp(bytes: Uint8Array): boolean {
  return bytes.length > 20 && fourCharacters(bytes, 0) === 'RIFF' && fourCharacters(bytes, 8) === 'WEBP';
}

export function* webpChunks(bytes: Uint8Array): Generator<WebpChunk> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let start = 12;
  while (start + 8 <= bytes.length) {
    const length = view.getUint32(start + 4, true);
    const end = start + 8 + length;
    if (end > bytes.length) return;
    yield { type: fourCharacters(bytes, start), data: bytes.subarray(start + 8, end) };
    start = end + (length & 1); // chunks begin at even offsets
  }
}

/**
 * `bytes` with `exif`, and after it `further` chunks of types that readers are to pass over. Metadata need the extended
 * form of the file: a VP8X chunk in front that says what there is. A damaged file is left as it is.
 */
export function insertWebpMetadata(bytes: Uint8Array, exif: Uint8Array, further: readonly WebpChunk[]): Uint8Array {
  const chunks = [...webpChunks(bytes)];
  const [first] = chunks;
  if (!first) return bytes;
  const extended = first.type === 'VP8X' ? first.data.slice() : extendedHeader(first);
  if (!extended || extended.length < 10) return bytes;
  extended[0]! |= hasExif;
  const pictures = first.type === 'VP8X' ? chunks.slice(1) : chunks;
  const all = [{ type: 'VP8X', data: extended }, ...pictures, { type: 'EXIF', data: exif }, ...further];
  const body = Buffer.concat([Buffer.from('WEBP', 'latin1'), ...all.map(riffChunk)]);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(body.length);
  return new Uint8Array(Buffer.concat([Buffer.from('RIFF', 'latin1'), size, body]));
}

/** The VP8X chunk of a file that has none: flags, three reserved bytes, width - 1 and height - 1 in 24 bits each. */
function extendedHeader({ type, data }: WebpChunk): Uint8Array | undefined {
  if (data.length < 10) return undefined;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const header = Buffer.alloc(10);
  if (type === 'VP8L') {
    const bits = view.getUint32(1, true);
    if (bits & (1 << 28)) header[0] = hasAlpha;
    header.writeUIntLE(bits & 0x3fff, 4, 3);
    header.writeUIntLE((bits >>> 14) & 0x3fff, 7, 3);
    return header;
  }
  if (type !== 'VP8 ') return undefined;
  header.writeUIntLE((view.getUint16(6, true) & 0x3fff) - 1, 4, 3);
  header.writeUIntLE((view.getUint16(8, true) & 0x3fff) - 1, 7, 3);
  return header;
}

function riffChunk({ type, data }: WebpChunk): Buffer {
  const head = Buffer.alloc(8);
  head.write(type, 'latin1');
  head.writeUInt32LE(data.length, 4);
  return Buffer.concat([head, data, Buffer.alloc(data.length & 1)]);
}

function fourCharacters(bytes: Uint8Array, start: number): string {
  return Buffer.from(bytes.subarray(start, start + 4)).toString('latin1');
}
