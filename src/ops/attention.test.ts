import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { autodiff, largestDifference, largestGradientDifference, wave } from '../../test/support/tensors.ts';
import { type AttentionOptions, attention } from './index.ts';

/** One head at a time with 2-D products: shares nothing with the kernel. */
function composed(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, options: AttentionOptions): tf.Tensor {
  const { heads, causal = false, mask } = options;
  const [batch, queries, width] = q.shape as [number, number, number];
  const keys = k.shape[1]!;
  const d = width / heads;
  const head = (x: tf.Tensor, b: number, h: number) =>
    x.slice([b, 0, h * d], [1, x.shape[1]!, d]).reshape([x.shape[1]!, d]);
  const samples = Array.from({ length: batch }, (_, b) =>
    tf.concat(
      Array.from({ length: heads }, (_, h) => {
        let scores = tf.matMul(head(q, b, h), head(k, b, h), false, true).mul(options.scale ?? 1 / Math.sqrt(d));
        if (mask)
          scores = scores.add(
            mask
              .tile([1, 1, 1, 1])
              .broadcastTo([batch, heads, queries, keys])
              .slice([b, h, 0, 0], [1, 1, queries, keys])
              .reshape([queries, keys]),
          );
        if (causal) {
          const hidden = Array.from({ length: queries }, (_, i) =>
            Array.from({ length: keys }, (_, j) => (j <= i + keys - queries ? 0 : -1e9)),
          );
          scores = scores.add(tf.tensor2d(hidden));
        }
        return tf.matMul(scores.softmax(), head(v, b, h));
      }),
      1,
    ),
  );
  return tf.stack(samples); // [B, Lq, D]
}

const setup = fc.record({
  batch: fc.integer({ min: 1, max: 2 }),
  queries: fc.integer({ min: 1, max: 4 }),
  more: fc.integer({ min: 0, max: 3 }),
  heads: fc.integer({ min: 1, max: 3 }),
  d: fc.integer({ min: 1, max: 3 }),
  causal: fc.boolean(),
  mask: fc.option(fc.record({ batch: fc.boolean(), heads: fc.boolean(), queries: fc.boolean() }), { nil: undefined }),
});

describe('attention', () => {
  test('equals the composed formula, forward and gradients, for every kind of mask', () => {
    fc.assert(
      fc.property(setup, ({ batch, queries, more, heads, d, causal, mask }) => {
        const keys = queries + more;
        const xs = [
          wave([batch, queries, heads * d]),
          wave([batch, keys, heads * d], 1),
          wave([batch, keys, heads * d], 2),
        ];
        if (mask) {
          xs.push(wave([mask.batch ? batch : 1, mask.heads ? heads : 1, mask.queries ? queries : 1, keys], 3));
        }
        const run = (f: typeof attention) => (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, m?: tf.Tensor) =>
          f(q, k, v, { heads, causal, ...(m ? { mask: m } : {}) });
        const [fused, plain] = [run(attention), run(composed)] as unknown as [() => tf.Tensor, () => tf.Tensor];
        expect(largestDifference(fused(...(xs as [])), plain(...(xs as [])))).toBeLessThan(1e-5);
        expect(largestGradientDifference(fused, plain, xs)).toBeLessThan(1e-4);
      }),
      { numRuns: 25 },
    );
  });

  test('in slices of queries it is the same, with every kind of mask', () => {
    const [q, k, v] = [wave([2, 7, 4]), wave([2, 5, 4], 1), wave([2, 5, 4], 2)] as const;
    for (const mask of [undefined, wave([2, 1, 7, 5], 3), wave([1, 2, 1, 5], 4)]) {
      const options = { heads: 2, ...(mask && { mask }) };
      const whole = attention(q, k, v, options);
      for (const sliceRows of [1, 3, 7, 9]) {
        expect(largestDifference(attention(q, k, v, { ...options, sliceRows }), whole)).toBeLessThan(1e-6);
      }
    }
  });

  test('a causal cache: with more keys than queries the last query sees everything', () => {
    const [q, k, v] = [wave([1, 3, 4]), wave([1, 5, 4], 1), wave([1, 5, 4], 2)] as const;
    const full = attention(q, k, v, { heads: 2 });
    const causal = attention(q, k, v, { heads: 2, causal: true });
    const last = (x: tf.Tensor) => x.slice([0, 2, 0], [1, 1, 4]);
    expect(largestDifference(last(full), last(causal))).toBeLessThan(1e-6);
    // The first query sees keys 0, 1, 2 only.
    const first = attention(
      q.slice([0, 0, 0], [1, 1, 4]),
      k.slice([0, 0, 0], [1, 3, 4]),
      v.slice([0, 0, 0], [1, 3, 4]),
      { heads: 2 },
    );
    expect(largestDifference(first, causal.slice([0, 0, 0], [1, 1, 4]))).toBeLessThan(1e-6);
  });

  test('scores of hundreds neither overflow nor lose the maximum', () => {
    const q = wave([1, 2, 4], 0, 100);
    const y = attention(q, q, wave([1, 2, 4]), { heads: 1 });
    expect([...y.dataSync()].every(Number.isFinite)).toBe(true);
  });

  test('keys masked with minus infinity have no influence and no gradient', () => {
    const mask = tf.tensor([0, 0, Number.NEGATIVE_INFINITY], [1, 1, 1, 3]);
    const [q, k, v] = [wave([1, 2, 4]), wave([1, 3, 4], 1), wave([1, 3, 4], 2)] as const;
    const two = attention(q, k.slice([0, 0, 0], [1, 2, 4]), v.slice([0, 0, 0], [1, 2, 4]), { heads: 2 });
    expect(largestDifference(attention(q, k, v, { heads: 2, mask }), two)).toBeLessThan(1e-6);
    const [, dk, dv] = autodiff((q, k, v) => attention(q!, k!, v!, { heads: 2, mask }), [q, k, v]);
    for (const gradient of [dk!, dv!]) expect([...gradient.dataSync().slice(8)]).toEqual([0, 0, 0, 0]);
  });

  test('NaN in one sample stays there', () => {
    const q = tf.tensor([Number.NaN, 1, 1, 1], [2, 1, 2]);
    const y = attention(q, tf.ones([2, 1, 2]), tf.ones([2, 1, 2]), { heads: 1 }).dataSync();
    expect([...y]).toEqual([Number.NaN, Number.NaN, 1, 1]);
  });

  test('shapes that do not fit are refused', () => {
    const x = tf.ones([1, 3, 4]);
    expect(() => attention(x, x, tf.ones([1, 2, 4]), { heads: 2 })).toThrow(/\[1, 2, 4\]/);
    expect(() => attention(x, x, x, { heads: 3 })).toThrow(/multiple/);
    expect(() => attention(x, tf.ones([1, 2, 4]), tf.ones([1, 2, 4]), { heads: 2, causal: true })).toThrow(/causal/);
    expect(() => attention(x, x, x, { heads: 2, mask: tf.zeros([3, 3]) })).toThrow(/broadcast/);
  });
});
