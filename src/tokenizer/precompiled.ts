/**
 * SentencePiece's table of replacements, as tokenizer.json has it in `Precompiled`: a double-array trie over UTF-8 bytes, then the
 * texts that its values point to (Kudo and Richardson 2018, arXiv 1808.06226, section 3.2). Hugging Face's tokenizers look up whole
 * grapheme clusters of less than six bytes, then the characters of the others; of several entries that a text begins with the
 * shortest stands for all of it.
 */
import { DuetError } from '../core/errors.ts';
import { graphemes } from './graphemes.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Graphemes from this length on are looked up by their characters. */
const longBytes = 6;

/** Texts whose replacement is remembered: few characters make up most texts. */
const mostRemembered = 10_000;

/**
 * @param charsmap in base64
 * @throws DuetError 'invalid-config' if it is none
 */
export function precompiledNormalizer(charsmap: unknown, origin: string): (text: string) => string {
  const bytes = typeof charsmap === 'string' ? Buffer.from(charsmap, 'base64') : Buffer.alloc(0);
  const size = bytes.length >= 4 ? bytes.readUInt32LE(0) : -1;
  if (size <= 0 || size % 4 !== 0 || 4 + size > bytes.length) {
    throw new DuetError('invalid-config', `${origin}: precompiled_charsmap is no table of replacements`);
  }
  const units = Uint32Array.from({ length: size / 4 }, (_, index) => bytes.readUInt32LE(4 + 4 * index));
  const texts = bytes.subarray(4 + size);
  const found = (chunk: string): string | undefined => {
    const at = firstValue(units, encoder.encode(chunk));
    if (at === undefined) return undefined;
    const end = texts.indexOf(0, at);
    return decoder.decode(texts.subarray(at, end < 0 ? undefined : end));
  };
  const remembered = new Map<string, string | undefined>();
  const replaced = (chunk: string): string | undefined => {
    if (remembered.has(chunk)) return remembered.get(chunk);
    if (remembered.size >= mostRemembered) remembered.clear();
    const replacement = found(chunk);
    remembered.set(chunk, replacement);
    return replacement;
  };
  return text => {
    let out = '';
    for (const cluster of graphemes(text)) {
      const whole = Buffer.byteLength(cluster) < longBytes ? replaced(cluster) : undefined;
      if (whole !== undefined) out += whole;
      else for (const character of cluster) out += replaced(character) ?? character;
    }
    return out;
  };
}

/** The value of the shortest entry that `key` begins with. Units beyond the table are those of no entry. */
function firstValue(units: Uint32Array, key: Uint8Array): number | undefined {
  const offset = (unit: number) => (unit >>> 10) << ((unit & (1 << 9)) >>> 6);
  const unitAt = (place: number) => units[place >>> 0] ?? 0;
  let place = offset(unitAt(0));
  for (const byte of key) {
    if (byte === 0) return undefined;
    place ^= byte;
    const unit = unitAt(place);
    const label = (unit & 0x8000_00ff) >>> 0;
    if (label !== byte) return undefined;
    place ^= offset(unit);
    const hasValue = ((unit >>> 8) & 1) === 1;
    if (hasValue) return unitAt(place) & 0x7fff_ffff;
  }
  return undefined;
}
