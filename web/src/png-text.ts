/** Text chunks of a PNG (https://www.w3.org/TR/png-3/, 11.3.3): where Duet writes how a picture was made. */

const signature = [137, 80, 78, 71, 13, 10, 26, 10];
/** Longest text, in bytes, that is decompressed: files come from strangers. */
const longestInflated = 8 * 2 ** 20;

export function isPng(bytes: Uint8Array): boolean {
  return signature.every((byte, index) => bytes[index] === byte);
}

/**
 * The text of the first tEXt, zTXt or iTXt chunk with this `keyword`; undefined if there is none or it cannot be read.
 * Any bytes give an answer.
 */
export async function readPngText(bytes: Uint8Array, keyword: string): Promise<string | undefined> {
  if (!isPng(bytes)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let place = signature.length;
  while (place + 12 <= bytes.length) {
    const length = view.getUint32(place);
    const type = fromLatin1(bytes.subarray(place + 4, place + 8));
    const end = place + 8 + length;
    if (type === 'IEND' || end + 4 > bytes.length) break;
    const data = bytes.subarray(place + 8, end);
    const keywordEnd = data.subarray(0, 80).indexOf(0);
    const reader = Object.hasOwn(readers, type) ? readers[type] : undefined;
    if (reader && keywordEnd > 0 && fromLatin1(data.subarray(0, keywordEnd)) === keyword) {
      return reader(data.subarray(keywordEnd + 1));
    }
    place = end + 4;
  }
  return undefined;
}

/** Each takes what follows the keyword's zero byte. */
const readers: Readonly<Record<string, (data: Uint8Array) => Promise<string | undefined>>> = {
  tEXt: async data => utf8OrLatin1(data),
  async zTXt(data) {
    const text = data[0] === 0 ? await inflate(data.subarray(1)) : undefined;
    return text && utf8OrLatin1(text);
  },
  async iTXt(data) {
    const [compressed, method] = data;
    const languageEnd = data.indexOf(0, 2);
    const translatedEnd = languageEnd < 0 ? -1 : data.indexOf(0, languageEnd + 1);
    if (translatedEnd < 0) return undefined;
    const rest = data.subarray(translatedEnd + 1);
    if (compressed === 0) return utf8(rest);
    const text = compressed === 1 && method === 0 ? await inflate(rest) : undefined;
    return text && utf8(text);
  },
};

/** Undefined if `data` are damaged or unfold to more than the limit. */
async function inflate(data: Uint8Array): Promise<Uint8Array | undefined> {
  const reader = new Blob([new Uint8Array(data)]).stream().pipeThrough(new DecompressionStream('deflate')).getReader();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return new Uint8Array(await new Blob(parts).arrayBuffer());
      size += value.length;
      if (size > longestInflated) {
        await reader.cancel();
        return undefined;
      }
      parts.push(new Uint8Array(value));
    }
  } catch {
    return undefined;
  }
}

/** tEXt and zTXt are Latin-1 by the standard, but many programs write UTF-8; valid UTF-8 is hardly ever meant otherwise. */
function utf8OrLatin1(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return fromLatin1(bytes);
  }
}

function utf8(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

/** Byte by byte: the decoder that is called latin1 is Windows-1252, which differs from 0x80 to 0x9f. */
function fromLatin1(bytes: Uint8Array): string {
  return Array.from(bytes, byte => String.fromCharCode(byte)).join('');
}
