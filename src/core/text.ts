/**
 * Text from files and pipes of other programs, in the encodings that they use: UTF-8, and UTF-16 with a byte order mark,
 * as Windows' editors and PowerShell write it (The Unicode Standard, section 23.8).
 */
import { readFile } from 'node:fs/promises';
import { DuetError, type ErrorCode } from './errors.ts';

/**
 * The text in `bytes` without its byte order mark, every line end as `\n`.
 * @param origin names the text in errors, such as its file
 * @throws DuetError `code` if the bytes are not text in these encodings
 */
export function decodeText(bytes: Uint8Array, origin: string, code: ErrorCode = 'invalid-argument'): string {
  const encoding = encodingOf(bytes);
  let text: string;
  try {
    text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (error) {
    throw new DuetError(code, `${origin} is not valid ${encoding.toUpperCase()} text; save it as UTF-8`, {
      cause: error,
    });
  }
  // Zero bytes are what UTF-16 and UTF-32 look like when they are read as something else.
  if (!text.includes('\0')) return unifyLineEnds(text);
  throw new DuetError(code, `${origin} holds zero bytes, as other encodings than UTF-8 do; save it as UTF-8`);
}

/** The text of a file. @throws DuetError `code` as `decodeText` does, and what `readFile` throws */
export async function readTextFile(file: string, code?: ErrorCode): Promise<string> {
  return decodeText(await readFile(file), file, code);
}

/** `text` with `\n` for every line end, whether written on Windows (`\r\n`) or on an old Macintosh (`\r`). */
export function unifyLineEnds(text: string): string {
  return text.replace(/\r\n?/g, '\n');
}

/** Text of programs that do not say how they encode it: UTF-8 where the bytes are valid as such, otherwise Latin-1. */
export function decodeUtf8OrLatin1(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // Not TextDecoder, whose "latin1" is Windows-1252.
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  }
}

function encodingOf([first, second]: Uint8Array): 'utf-8' | 'utf-16le' | 'utf-16be' {
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  return first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
}
