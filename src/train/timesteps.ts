/**
 * Which timesteps a joint training step uses. UniDiffuser draws both independently; a small model then learns nothing
 * across the modalities in hours, so a mixture is drawn instead: most samples have one modality clean in the beginning,
 * and the fractions move towards independent ones over the run.
 */
import type { TimestepMix } from './config.ts';
import type { RandomStream } from './random.ts';

/** Timesteps in [0, 1] per sample: 0 is clean, 1 is noise alone (the modality is ignored). */
export interface Timesteps {
  readonly image: Float32Array<ArrayBuffer>;
  readonly text: Float32Array<ArrayBuffer>;
}

const kinds = ['textClean', 'imageClean', 'textIgnored', 'imageIgnored', 'independent', 'equal'] as const;

/** The fraction of each kind, which sum to 1, and how drawn timesteps are shifted. */
export type TimestepShares = Record<(typeof kinds)[number], number> & { readonly shift: number };

/** The mix at `progress` (0 to 1 of the run): linear between the mixes' `at`. */
export function mixAt(curriculum: readonly TimestepMix[], progress: number): TimestepShares {
  const sorted = [...curriculum].sort((a, b) => a.at - b.at);
  const after = sorted.find(mix => mix.at >= progress) ?? sorted.at(-1)!;
  const before = sorted.findLast(mix => mix.at <= progress) ?? after;
  const span = after.at - before.at;
  const weight = span > 0 ? (progress - before.at) / span : 0;
  const between = (a: number, b: number): number => a + weight * (b - a);
  const shares = kinds.map(kind => between(before[kind], after[kind]));
  const total = shares.reduce((sum, value) => sum + value, 0);
  return {
    ...(Object.fromEntries(kinds.map((kind, i) => [kind, shares[i]! / total])) as Omit<TimestepShares, 'shift'>),
    shift: between(before.shift ?? 1, after.shift ?? 1),
  };
}

/**
 * `u` in [0, 1] moved towards noise where `shift` > 1 (Esser et al. 2024, "Scaling Rectified Flow Transformers", 5.3.2).
 * What one modality says about the other is only needed where noise hides it: with even timesteps, few samples teach it.
 */
function shifted(u: number, shift: number): number {
  return (shift * u) / (1 + (shift - 1) * u);
}

/**
 * Timesteps of a batch. The kinds get numbers of samples in proportion to the mix (up to one sample), and drawn
 * timesteps are stratified over (0, 1] within a kind: less noise in the loss than independent draws.
 */
export function drawTimesteps(mix: TimestepShares, batch: number, random: Pick<RandomStream, 'next'>): Timesteps {
  const image = new Float32Array(batch);
  const text = new Float32Array(batch);
  const dealt = kindsOfBatch(mix, batch, random.next());
  const used = new Map<string, number>();
  const stratified = (kind: string): number => {
    const index = used.get(kind) ?? 0;
    used.set(kind, index + 1);
    const count = dealt.filter(other => other === kind).length;
    return shifted(1 - (index + random.next()) / count, mix.shift); // (0, 1]
  };
  for (const [i, kind] of dealt.entries()) {
    const t = stratified(kind);
    image[i] = kind === 'imageClean' ? 0 : kind === 'imageIgnored' ? 1 : t;
    text[i] =
      kind === 'textClean'
        ? 0
        : kind === 'textIgnored'
          ? 1
          : kind === 'independent'
            ? shifted(1 - random.next(), mix.shift)
            : t;
  }
  return { image, text };
}

/** The kind of each sample by systematic sampling: sample i takes the kind at quantile (i + offset) / batch. */
function kindsOfBatch(mix: TimestepShares, batch: number, offset: number): (typeof kinds)[number][] {
  return Array.from({ length: batch }, (_, i) => {
    let quantile = (i + offset) / batch;
    for (const kind of kinds) {
      quantile -= mix[kind];
      if (quantile < 0) return kind;
    }
    return kinds.at(-1)!;
  });
}
