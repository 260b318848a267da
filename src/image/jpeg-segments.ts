/** The segments in front of a JPEG's pixels (ITU-T T.81, section B.1.1), where metadata lie. Any bytes give an answer. */

export interface JpegSegment {
  /** The second byte of the segment's marker, such as 0xe1 for APP1. */
  readonly marker: number;
  readonly data: Uint8Array;
}

/** A segment counts its bytes, and the two of the count, in 16 bits. */
export const longestSegment = 0xffff - 2;
const startOfScan = 0xda;

export function isJpeg(bytes: Uint8Array): boolean {
  return bytes.length > 4 && bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
}

export function* jpegSegments(bytes: Uint8Array): Generator<JpegSegment> {
  let start = 2;
  while (bytes[start] === 0xff) {
    if (bytes[start + 1] === 0xff) {
      start++; // any number of fill bytes may stand before a marker
      continue;
    }
    const marker = bytes[start + 1];
    if (marker === undefined || marker === startOfScan || start + 4 > bytes.length) return;
    const end = start + 2 + ((bytes[start + 2]! << 8) | bytes[start + 3]!);
    if (end < start + 4 || end > bytes.length) return;
    yield { marker, data: bytes.subarray(start + 4, end) };
    start = end;
  }
}

/** `bytes` with `segments` in front of all others. Their data have at most `longestSegment` bytes. */
export function insertJpegSegments(bytes: Uint8Array, segments: readonly JpegSegment[]): Uint8Array {
  const written = segments.flatMap(({ marker, data }) => {
    const size = data.length + 2;
    return [Uint8Array.of(0xff, marker, size >> 8, size & 255), data];
  });
  return new Uint8Array(Buffer.concat([bytes.subarray(0, 2), ...written, bytes.subarray(2)]));
}
