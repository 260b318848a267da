/**
 * Two texts in a picture file: `infotext` where other programs look for it, and `record`, our own JSON, where they do
 * not. PNG has a text chunk for each; JPEG and WebP take the EXIF comment, and an application segment or a chunk.
 */
import { commentOfExif, exifWithComment } from './exif-comment.ts';
import { insertJpegSegments, isJpeg, type JpegSegment, jpegSegments, longestSegment } from './jpeg-segments.ts';
import { insertPngTexts, isPng, readPngExif, readPngTexts } from './png-text.ts';
import { insertWebpMetadata, isWebp, webpChunks } from './webp-chunks.ts';

export interface Metadata {
  readonly infotext: string;
  readonly record: string;
}

const [app1, app15] = [0xe1, 0xef];
const exifMark = Buffer.from('Exif\0\0', 'latin1');
const recordMark = Buffer.from('duet\0', 'latin1');
const recordChunk = 'DUET';

/** Whether `bytes` are of a format that carries the texts. */
export function carriesMetadata(bytes: Uint8Array): boolean {
  return isPng(bytes) || isJpeg(bytes) || isWebp(bytes);
}

/**
 * The file `bytes` with the texts inside; a file of another format is left as it is. Infotext of more than 64 KiB has no
 * room in a JPEG's EXIF segment; the record always has.
 */
export function withMetadata(bytes: Uint8Array, { infotext, record }: Metadata): Uint8Array {
  if (isPng(bytes)) return insertPngTexts(bytes, { parameters: infotext, duet: record });
  const exif = exifWithComment(infotext);
  if (isWebp(bytes)) return insertWebpMetadata(bytes, exif, [{ type: recordChunk, data: Buffer.from(record) }]);
  if (!isJpeg(bytes)) return bytes;
  const data = Buffer.concat([exifMark, exif]);
  const comment = data.length <= longestSegment ? [{ marker: app1, data }] : [];
  return insertJpegSegments(bytes, [...comment, ...recordSegments(record)]);
}

/** The texts that a file carries, as far as they can be read. Any bytes give an answer. */
export function readMetadata(bytes: Uint8Array): Partial<Metadata> {
  if (isPng(bytes)) {
    const { parameters, duet } = readPngTexts(bytes, ['parameters', 'duet']);
    return defined(parameters ?? commentOf(readPngExif(bytes)), duet);
  }
  if (isWebp(bytes)) {
    const chunks = [...webpChunks(bytes)];
    const content = (type: string) => chunks.find(chunk => chunk.type === type)?.data;
    return defined(commentOf(content('EXIF')), utf8(content(recordChunk)));
  }
  if (!isJpeg(bytes)) return {};
  const segments = [...jpegSegments(bytes)];
  const exif = segments.find(({ marker, data }) => marker === app1 && startsWith(data, exifMark));
  return defined(commentOf(exif?.data), recordOf(segments));
}

function defined(infotext: string | undefined, record: string | undefined): Partial<Metadata> {
  return { ...(infotext && { infotext }), ...(record !== undefined && { record }) };
}

/** Some programs write the mark of JPEG's segment in front of the structure in other formats too. */
function commentOf(exif: Uint8Array | undefined): string | undefined {
  return exif && commentOfExif(startsWith(exif, exifMark) ? exif.subarray(exifMark.length) : exif);
}

/** The record in as many segments as it needs, in order, each begun by the mark. */
function recordSegments(record: string): JpegSegment[] {
  const bytes = Buffer.from(record);
  const room = longestSegment - recordMark.length;
  return Array.from({ length: Math.ceil(bytes.length / room) }, (_, i) => {
    const data = Buffer.concat([recordMark, bytes.subarray(i * room, (i + 1) * room)]);
    return { marker: app15, data };
  });
}

function recordOf(segments: readonly JpegSegment[]): string | undefined {
  const parts = segments.filter(({ marker, data }) => marker === app15 && startsWith(data, recordMark));
  if (parts.length === 0) return undefined;
  return utf8(Buffer.concat(parts.map(({ data }) => data.subarray(recordMark.length))));
}

function startsWith(data: Uint8Array, mark: Uint8Array): boolean {
  return mark.every((byte, index) => data[index] === byte);
}

function utf8(bytes: Uint8Array | undefined): string | undefined {
  return bytes && new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}
