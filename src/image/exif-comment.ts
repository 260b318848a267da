/**
 * The EXIF tag UserComment, where AUTOMATIC1111's web UI and its readers keep infotext (Exif 2.32, section 4.6.5). Eight
 * bytes say how the comment is encoded; the TIFF structure around it says the byte order of UTF-16.
 */
import { decodeUtf8OrLatin1 } from '../core/text.ts';

const exifPointer = 0x8769;
const userComment = 0x9286;
const longType = 4;
const undefinedType = 7;
const unicodeMark = 'UNICODE\0';

/** A TIFF structure, big-endian, of two directories with one entry each: the pointer to the second, and the comment in it. */
export function exifWithComment(comment: string): Uint8Array {
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

/** The comment in the TIFF structure `tiff` of any program; undefined if there is none. Any bytes give an answer. */
export function commentOfExif(tiff: Uint8Array): string | undefined {
  if (tiff.length < 14) return undefined;
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const little = tiff[0] === 0x49; // "II"; "MM" is big-endian
  const entry = (directory: number, tag: number): number | undefined => {
    if (directory + 2 > tiff.length) return undefined;
    const count = view.getUint16(directory, little);
    for (let at = directory + 2; at < directory + 2 + 12 * count && at + 12 <= tiff.length; at += 12) {
      if (view.getUint16(at, little) === tag) return at;
    }
    return undefined;
  };
  const root = view.getUint32(4, little);
  const pointer = entry(root, exifPointer);
  const inside = pointer === undefined ? undefined : entry(view.getUint32(pointer + 8, little), userComment);
  const found = inside ?? entry(root, userComment); // programs that use Pillow often put it into the first directory
  if (found === undefined) return undefined;
  const length = view.getUint32(found + 4, little);
  const start = length <= 4 ? found + 8 : view.getUint32(found + 8, little);
  return start + length <= tiff.length ? decodeComment(tiff.subarray(start, start + length), little) : undefined;
}

function decodeComment(comment: Uint8Array, little: boolean): string {
  const mark = Buffer.from(comment.subarray(0, 8)).toString('latin1');
  const text = comment.subarray(8);
  switch (mark.toUpperCase()) {
    case unicodeMark:
      return trimEnd(decodeUtf16(text, little));
    case 'JIS\0\0\0\0\0':
      return trimEnd(decodeJis(text));
    case 'ASCII\0\0\0': // in truth any encoding
    case '\0\0\0\0\0\0\0\0':
      return trimEnd(decodeUtf8OrLatin1(text));
    default:
      return trimEnd(decodeUtf8OrLatin1(comment)); // no mark at all, against the standard
  }
}

/**
 * UTF-16 in the structure's byte order. Two things overrule it: a byte order mark, and infotext that can be read in the
 * other order only, since Pillow keeps the comment's bytes when it writes the structure anew in another order.
 */
function decodeUtf16(text: Uint8Array, little: boolean): string {
  const [first, second] = text;
  if (first === 0xff && second === 0xfe) return utf16(text, true);
  if (first === 0xfe && second === 0xff) return utf16(text, false);
  const stated = utf16(text, little);
  const other = utf16(text, !little);
  return !isInfotext(stated) && isInfotext(other) ? other : stated;
}

function utf16(text: Uint8Array, little: boolean): string {
  return new TextDecoder(little ? 'utf-16le' : 'utf-16be').decode(text);
}

function isInfotext(text: string): boolean {
  return /^Steps: \d+, /m.test(text);
}

/** ISO 2022 as the standard means it, or Shift JIS as programs that use piexif write it. */
function decodeJis(text: Uint8Array): string {
  const isSevenBit = text.every(byte => byte < 0x80);
  return new TextDecoder(isSevenBit ? 'iso-2022-jp' : 'shift_jis').decode(text);
}

/** Without the zero bytes and blanks that comments are padded with. A pattern would take quadratic time on blanks inside. */
function trimEnd(text: string): string {
  let end = text.length;
  while (end > 0 && (text[end - 1] === '\0' || text[end - 1] === ' ')) end--;
  return text.slice(0, end);
}
