/** Text chunks of a PNG (https://www.w3.org/TR/png-3/, 11.3.3): where Duet writes how a picture was made. */

const signature = [137, 80, 78, 71, 13, 10, 26, 10];
const latin1 = new TextDecoder('latin1');
const utf8 = new TextDecoder();

export function isPng(bytes: Uint8Array): boolean {
  return signature.every((byte, index) => bytes[index] === byte);
}

/** The texts by keyword, of tEXt and iTXt chunks that are not compressed. A damaged or foreign file gives what is readable. */
export function readPngText(bytes: Uint8Array): Map<string, string> {
  const texts = new Map<string, string>();
  if (!isPng(bytes)) return texts;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let place = signature.length;
  while (place + 12 <= bytes.length) {
    const length = view.getUint32(place);
    const type = latin1.decode(bytes.subarray(place + 4, place + 8));
    const end = place + 8 + length;
    if (type === 'IEND' || end + 4 > bytes.length) break;
    const entry = readChunk(type, bytes.subarray(place + 8, end));
    if (entry) texts.set(entry[0], entry[1]);
    place = end + 4;
  }
  return texts;
}

function readChunk(type: string, data: Uint8Array): [keyword: string, text: string] | undefined {
  if (type !== 'tEXt' && type !== 'iTXt') return undefined;
  const keywordEnd = data.indexOf(0);
  if (keywordEnd < 1) return undefined;
  const keyword = latin1.decode(data.subarray(0, keywordEnd));
  if (type === 'tEXt') return [keyword, latin1.decode(data.subarray(keywordEnd + 1))];
  const compressed = data[keywordEnd + 1] !== 0;
  const languageEnd = data.indexOf(0, keywordEnd + 3);
  const translatedEnd = languageEnd < 0 ? -1 : data.indexOf(0, languageEnd + 1);
  if (compressed || translatedEnd < 0) return undefined;
  return [keyword, utf8.decode(data.subarray(translatedEnd + 1))];
}
