/**
 * GPT-2's byte table: every byte as one printable character, so that a byte string can be handled as text.
 * Codes 33-126, 161-172 and 174-255 stand for themselves, the 68 others for 256, 257, ... in order.
 */

function stands(byte: number): boolean {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

const allBytes = Array.from({ length: 256 }, (_, byte) => byte);
const moved = allBytes.filter(byte => !stands(byte));

/** The character of each byte, in the order of CLIP's and GPT-2's vocabularies: bytes that stand for themselves first. */
export const byteSymbols: readonly string[] = [
  ...allBytes.filter(stands).map(byte => String.fromCharCode(byte)),
  ...moved.map((_, index) => String.fromCharCode(256 + index)),
];

const symbolOfByte: readonly string[] = allBytes.map(byte =>
  String.fromCharCode(stands(byte) ? byte : 256 + moved.indexOf(byte)),
);
const byteOfSymbol = new Map(symbolOfByte.map((symbol, byte) => [symbol, byte]));

/** The UTF-8 bytes of `text`, one stand-in character each. */
export function toByteSymbols(text: string): string {
  let symbols = '';
  for (const byte of new TextEncoder().encode(text)) symbols += symbolOfByte[byte];
  return symbols;
}

/** The text whose bytes `symbols` stand for; broken UTF-8 becomes U+FFFD, characters outside the table are dropped. */
export function fromByteSymbols(symbols: string): string {
  const bytes: number[] = [];
  for (const symbol of symbols) {
    const byte = byteOfSymbol.get(symbol);
    if (byte !== undefined) bytes.push(byte);
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}
