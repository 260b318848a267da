/**
 * Multi-head scaled dot-product attention (Vaswani et al. 2017, section 3.2) as one kernel.
 * Symbols: q, k, v as in the paper; p = softmax(scale q k^T + mask); h heads of width d = D / h.
 */
import * as tf from '@tensorflow/tfjs';
import { assertShape, registerFusedKernel, runFusedKernel, show } from './fused-kernel.ts';
import { ATTENTION, type KernelAttributes } from './kernel-names.ts';

type Attributes = KernelAttributes[typeof ATTENTION];

function splitHeads(x: tf.Tensor, heads: number): tf.Tensor {
  const [batch, length, width] = x.shape as [number, number, number];
  return x.reshape([batch, length, heads, width / heads]).transpose([0, 2, 1, 3]); // [B, h, L, d]
}

function mergeHeads(x: tf.Tensor): tf.Tensor {
  const [batch, heads, length, width] = x.shape as [number, number, number, number];
  return x.transpose([0, 2, 1, 3]).reshape([batch, length, heads * width]); // [B, L, h d]
}

/** [Lq, Lk]: 0 where query i may see key j (j <= i + Lk - Lq), minus infinity elsewhere. */
function causalMask(queries: number, keys: number): tf.Tensor {
  const values = new Float32Array(queries * keys);
  for (let i = 0; i < queries; i++) {
    values.fill(Number.NEGATIVE_INFINITY, Math.min(i * keys + i + keys - queries + 1, (i + 1) * keys), (i + 1) * keys);
  }
  return tf.tensor(values, [queries, keys], 'float32');
}

/** Attention weights [B, h, Lq, Lk] of q [B, h, Lq, d] and k [B, h, Lk, d]. */
function weights(q: tf.Tensor, k: tf.Tensor, mask: tf.Tensor | undefined, { causal, scale }: Attributes): tf.Tensor {
  let scores = tf.matMul(q, k, false, true).mul(scale);
  if (mask) scores = scores.add(mask);
  if (causal) scores = scores.add(causalMask(q.shape[2]!, k.shape[2]!));
  return scores.softmax();
}

/** Sums `gradient` over the axes along which a tensor of `shape` (same rank) was broadcast. */
function unbroadcast(gradient: tf.Tensor, shape: readonly number[]): tf.Tensor {
  const axes = shape.flatMap((size, axis) => (size === 1 && gradient.shape[axis] !== 1 ? [axis] : []));
  return axes.length === 0 ? gradient : gradient.sum(axes, true);
}

/** Gradients of q, k, v and of the mask. p is recomputed: keeping it would cost B h Lq Lk values per layer. */
function gradients(
  dy: tf.Tensor,
  inputs: { q: tf.Tensor; k: tf.Tensor; v: tf.Tensor; mask?: tf.Tensor },
  attributes: Attributes,
) {
  const { heads, scale } = attributes;
  const [q, k, v, dOut] = [inputs.q, inputs.k, inputs.v, dy].map(x => splitHeads(x, heads)) as [
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
  ];
  const p = weights(q, k, inputs.mask, attributes);
  const dp = tf.matMul(dOut, v, false, true);
  const pdp = p.mul(dp);
  const dScores = pdp.sub(p.mul(pdp.sum(-1, true)));
  return {
    q: () => mergeHeads(tf.matMul(dScores, k).mul(scale)),
    k: () => mergeHeads(tf.matMul(dScores, q, true, false).mul(scale)),
    v: () => mergeHeads(tf.matMul(p, dOut, true, false)),
    mask: () => unbroadcast(dScores, inputs.mask!.shape),
  };
}

/** Scores that are there at a time on backends that compose attention, if it is not causal: 256 MiB of them. */
const mostScores = 2 ** 26;

/**
 * Attention of q, k, v [B, h, L, d] in slices of at most `rows` queries, which gives the same as all at once: every row of
 * scores is normalised by itself.
 */
function attendInSlices(
  [q, k, v]: readonly [tf.Tensor, tf.Tensor, tf.Tensor],
  mask: tf.Tensor | undefined,
  attributes: Attributes,
  rows: number,
): tf.Tensor {
  const [batch, heads, queries, d] = q.shape as [number, number, number, number];
  if (attributes.causal || queries <= rows) return tf.matMul(weights(q, k, mask, attributes), v);
  const slices: tf.Tensor[] = [];
  for (let start = 0; start < queries; start += rows) {
    const length = Math.min(rows, queries - start);
    const own = q.slice([0, 0, start, 0], [batch, heads, length, d]);
    const ownMask = mask?.shape[2] === queries ? mask.slice([0, 0, start, 0], [-1, -1, length, -1]) : mask;
    slices.push(tf.tidy(() => tf.matMul(weights(own, k, ownMask, attributes), v)));
  }
  return tf.concat(slices, 2);
}

registerFusedKernel({
  name: ATTENTION,
  compose: ({ q, k, v, mask }, attributes) => {
    const split = [q!, k!, v!].map(x => splitHeads(x, attributes.heads)) as [tf.Tensor, tf.Tensor, tf.Tensor];
    const perQuery = q!.shape[0]! * attributes.heads * k!.shape[1]!;
    const rows = attributes.sliceRows ?? Math.max(1, Math.floor(mostScores / perQuery));
    return mergeHeads(attendInSlices(split, mask, attributes, rows));
  },
  save: ['q', 'k', 'v'],
  gradient: (dy, [q, k, v], attributes) => gradients(dy, { q: q!, k: k!, v: v! }, attributes),
});

/** tfjs saves a fixed list of inputs for a registered gradient, so the form with a mask brings its own. */
function maskedAttention(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, mask: tf.Tensor, attributes: Attributes): tf.Tensor {
  const run = tf.customGrad((...args) => {
    const [q, k, v, mask, save] = args as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    save([q, k, v, mask]);
    return {
      value: runFusedKernel(ATTENTION, { q, k, v, mask }, attributes),
      gradFunc: (dy, saved) => {
        const [q, k, v, mask] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
        const d = gradients(dy as tf.Tensor, { q, k, v, mask }, attributes);
        return [d.q(), d.k(), d.v(), d.mask()];
      },
    };
  });
  return run(q, k, v, mask);
}

/** Options of {@link attention}. */
export interface AttentionOptions {
  /** Number of heads h; D must be a multiple of it. */
  readonly heads: number;
  /** Query i sees only keys j <= i + Lk - Lq. @default false */
  readonly causal?: boolean;
  /** Factor of q k^T. @default 1 / sqrt(D / heads) */
  readonly scale?: number;
  /** Added to the scaled scores: [B or 1, heads or 1, Lq or 1, Lk]. */
  readonly mask?: tf.Tensor;
  /** Queries at a time on backends that compose attention. @default as many as have 2^26 scores */
  readonly sliceRows?: number;
}

/**
 * softmax(scale q k^T + mask) v, per head.
 * @param q [B, Lq, D]
 * @param k [B, Lk, D]
 * @param v [B, Lk, D]
 * @returns [B, Lq, D]
 * @throws `invalid-argument` when the shapes do not fit, or for causal attention with Lq > Lk
 */
export function attention(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, options: AttentionOptions): tf.Tensor {
  const { heads, causal = false, mask, sliceRows } = options;
  const [batch, queries, width] = q.shape as [number, number, number];
  const keys = k.shape[1]!;
  assertShape(
    q.rank === 3 && k.rank === 3 && k.shape[0] === batch && k.shape[2] === width && `${k.shape}` === `${v.shape}`,
    () => `attention: q [B, Lq, D], k and v [B, Lk, D] are needed, got ${show(q)}, ${show(k)}, ${show(v)}`,
  );
  assertShape(
    Number.isInteger(heads) && heads > 0 && width % heads === 0,
    () => `attention: the width ${width} must be a multiple of the number of heads, got ${heads}`,
  );
  assertShape(
    !causal || queries <= keys,
    () => `attention: causal attention needs at least as many keys as queries, got ${queries} queries, ${keys} keys`,
  );
  const allowed = [[1, batch], [1, heads], [1, queries], [keys]];
  assertShape(
    !mask || (mask.rank === 4 && mask.shape.every((size, axis) => allowed[axis]!.includes(size))),
    () => `attention: the mask must broadcast to [${batch}, ${heads}, ${queries}, ${keys}], got ${show(mask!)}`,
  );
  const scale = options.scale ?? 1 / Math.sqrt(width / heads);
  const attributes = { heads, causal, scale, ...(sliceRows !== undefined && { sliceRows }) };
  return mask ? maskedAttention(q, k, v, mask, attributes) : runFusedKernel(ATTENTION, { q, k, v }, attributes);
}
