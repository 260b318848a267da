/**
 * Counter-based randomness for training: every draw is a pure function of (seed, stream, step), so a resumed run needs
 * no generator state beyond its step number and repeats what it would have drawn without the interruption.
 */

/** Independent random numbers of one place in the run. */
export interface RandomStream {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform integer in [0, n). */
  below(n: number): number;
  /** `count` standard normal values. */
  normal(count: number): Float32Array<ArrayBuffer>;
}

/** The stream of `name` at `step` of the run with `seed`: sfc32 seeded by a hash of the three. */
export function randomStream(seed: number, name: string, step: number): RandomStream {
  const next = sfc32(hash(`${name}/${step}`, seed >>> 0));
  return {
    next,
    below: n => Math.floor(next() * n),
    normal: count => fillNormal(new Float32Array(count), next),
  };
}

/** The order of `size` items in pass `epoch`: a Fisher-Yates shuffle of its own stream. */
export function permutation(seed: number, epoch: number, size: number): Int32Array {
  const { below } = randomStream(seed, 'permutation', epoch);
  const order = Int32Array.from({ length: size }, (_, index) => index);
  for (let i = size - 1; i > 0; i--) {
    const j = below(i + 1);
    const held = order[i]!;
    order[i] = order[j]!;
    order[j] = held;
  }
  return order;
}

/** Four 32-bit words from a text and a seed (FNV-1a, then the murmur3 finaliser per word). */
function hash(text: string, seed: number): readonly [number, number, number, number] {
  let h = (0x811c9dc5 ^ seed) >>> 0;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193) >>> 0;
  const word = (salt: number): number => {
    let x = (h + Math.imul(salt, 0x9e3779b9)) >>> 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    return (x ^ (x >>> 16)) >>> 0;
  };
  return [word(1) ^ seed, word(2), word(3), word(4)];
}

/** Chris Doty-Humphrey's sfc32 (PractRand): small, fast, passes the statistical batteries. */
function sfc32([a0, b0, c0, d0]: readonly [number, number, number, number]): () => number {
  let a = a0 | 0;
  let b = b0 | 0;
  let c = c0 | 0;
  let d = d0 | 0;
  const next = (): number => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return (t >>> 0) / 4294967296;
  };
  for (let i = 0; i < 12; i++) next();
  return next;
}

/** Box-Muller pairs. */
function fillNormal<T extends Float32Array>(out: T, next: () => number): T {
  for (let i = 0; i < out.length; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - next()));
    const angle = 2 * Math.PI * next();
    out[i] = radius * Math.cos(angle);
    if (i + 1 < out.length) out[i + 1] = radius * Math.sin(angle);
  }
  return out;
}
