/**
 * Conversions between float32 and the 8- and 16-bit floats found in weight files, on whole arrays.
 * IEEE 754 binary16 and bfloat16; the 8-bit formats E4M3 (no infinities) and E5M2 are those of
 * "FP8 Formats for Deep Learning" (Micikevicius et al., 2022).
 */

/** The value of one small float with `exponentBits` and `mantissaBits`, bias 2^(exponentBits-1) - 1. */
function decodeSmallFloat(bits: number, exponentBits: number, mantissaBits: number, hasInfinity: boolean): number {
  const sign = bits >> (exponentBits + mantissaBits) ? -1 : 1;
  const exponentMax = (1 << exponentBits) - 1;
  const exponent = (bits >> mantissaBits) & exponentMax;
  const mantissa = bits & ((1 << mantissaBits) - 1);
  const bias = (exponentMax >> 1) + mantissaBits;
  if (exponent === 0) return sign * mantissa * 2 ** (1 - bias);
  if (exponent === exponentMax && hasInfinity) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === exponentMax && mantissa === (1 << mantissaBits) - 1) return Number.NaN;
  return sign * (mantissa + (1 << mantissaBits)) * 2 ** (exponent - bias);
}

function table(size: number, decode: (bits: number) => number): Float32Array {
  return Float32Array.from({ length: size }, (_, bits) => decode(bits));
}

let halfTable: Float32Array | undefined;

/** binary16 bit patterns to float32. */
export function halfToFloat(bits: Uint16Array): Float32Array {
  halfTable ??= table(1 << 16, value => decodeSmallFloat(value, 5, 10, true));
  const values = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) values[i] = halfTable[bits[i]!]!;
  return values;
}

/** 8-bit float patterns to float32. */
export function float8ToFloat(bits: Uint8Array, format: 'E4M3' | 'E5M2'): Float32Array {
  const decoded = table(256, value =>
    format === 'E4M3' ? decodeSmallFloat(value, 4, 3, false) : decodeSmallFloat(value, 5, 2, true),
  );
  return Float32Array.from(bits, value => decoded[value]!);
}

/** bfloat16 bit patterns to float32: the upper half of a float32. */
export function bfloatToFloat(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i]! << 16;
  return new Float32Array(words.buffer);
}

/** float32 to bfloat16 bit patterns, rounded to nearest, ties to even. */
export function floatToBfloat(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    // Half of what is cut off, one less where the rest is even: a carry rounds up. NaN could become infinity, and stays quiet.
    bits[i] = Number.isNaN(values[i]!) ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return bits;
}

/** float32 to binary16 bit patterns, rounded to nearest, ties to even; too large becomes infinity. */
export function floatToHalf(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < words.length; i++) bits[i] = halfBits(words[i]!, values[i]!);
  return bits;
}

function halfBits(word: number, value: number): number {
  const sign = (word >>> 16) & 0x8000;
  if (Number.isNaN(value)) return sign | 0x7e00;
  const magnitude = word & 0x7fffffff;
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // 65520 and above round to infinity
  if (magnitude < 0x38800000) {
    // below 2^-14: a multiple of 2^-24, rounded to even
    const scaled = Math.abs(value) * 2 ** 24;
    const floor = Math.floor(scaled);
    const rest = scaled - floor;
    return sign | (floor + (rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? 1 : 0));
  }
  const rebased = magnitude - 0x38000000; // exponent bias 127 -> 15
  const rest = rebased & 0x1fff;
  const kept = rebased >>> 13;
  return sign | (kept + (rest > 0x1000 || (rest === 0x1000 && (kept & 1) === 1) ? 1 : 0));
}
