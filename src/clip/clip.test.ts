import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectSameGradients } from '../../test/support/gradients.ts';
import { freshParams, freshWeights } from '../../test/support/networks.ts';
import { float32, type HostTensor, isHostTensor } from '../core/host-tensor.ts';
import { mapTree } from '../core/tree.ts';
import { bicubicWeights, resizePositions } from '../nn/resize-positions.ts';
import {
  type ClipConfig,
  type ClipParams,
  clipSpec,
  clipText,
  clipVision,
  contrastiveLogits,
  contrastiveLoss,
  endPositions,
  patchFeatures,
  poolAtEnd,
  poolClassToken,
  projectImage,
  projectText,
  tokenwiseLogits,
} from './index.ts';

const tower = {
  width: 8,
  layers: 1,
  heads: 2,
  mlpWidth: 12,
  activation: 'quick',
  epsilon: 1e-5,
  projection: 4,
} as const;
const config: ClipConfig = {
  text: { ...tower, vocabularySize: 11, positions: 5 },
  vision: { ...tower, imageSize: 4, patchSize: 2, channels: 3 },
};
const spec = clipSpec(config);
const weights = freshWeights(spec, { seed: 7 });
const params = freshParams(spec, { seed: 7 });

const ids: HostTensor = {
  dtype: 'int32',
  shape: [3, 5],
  data: Int32Array.of(9, 1, 10, 10, 10, 9, 2, 3, 10, 10, 9, 4, 10, 10, 10),
};
const ends = endPositions(ids, { endId: 10 });
const pixels = float32(
  [3, 3, 4, 4],
  Float32Array.from({ length: 144 }, (_, i) => Math.sin(i * i)),
);
const tensor = ({ data, shape, dtype }: HostTensor) => tf.tensor(data, [...shape], dtype);

describe('text tower', () => {
  it('is causal: later tokens change nothing before them', () => {
    const other = { ...ids, data: Int32Array.from(ids.data, (id, i) => (i % 5 === 4 ? 0 : id)) };
    const [a, b] = [ids, other].map(input => clipText(params.text, { ids: tensor(input) }, config.text)) as [
      tf.Tensor,
      tf.Tensor,
    ];
    const first = (x: tf.Tensor) => x.slice([0, 0, 0], [3, 4, 8]).arraySync();
    expect(first(a)).toEqual(first(b));
    expect(a.arraySync()).not.toEqual(b.arraySync());
  });
  it('refuses sequences that are too long', () => {
    expect(() => clipText(params.text, { ids: tf.zeros([1, 6], 'int32') }, config.text)).toThrow(/5 positions, got 6/);
  });
  it('finds the end of a text by both rules', () => {
    expect([...ends.data]).toEqual([2, 3, 2]);
    const mixed: HostTensor = { dtype: 'int32', shape: [2, 4], data: Int32Array.of(9, 2, 7, 2, 1, 1, 1, 1) };
    expect([...endPositions(mixed, { endId: 2 }).data]).toEqual([1, 0]);
    expect([...endPositions(mixed, 'largest-id').data]).toEqual([0, 0]);
  });
  it('pools the row at the end position', () => {
    const states = tf.range(0, 12).reshape([2, 3, 2]);
    expect(poolAtEnd(states, tf.tensor1d([2, 0], 'int32')).arraySync()).toEqual([
      [4, 5],
      [6, 7],
    ]);
  });
});

describe('image tower', () => {
  it('takes other sizes than its own, cutting off what fills no patch', () => {
    expect(clipVision(params.vision, tf.zeros([1, 3, 7, 4]), config.vision).shape).toEqual([1, 1 + 3 * 2, 8]);
    expect(() => clipVision(params.vision, tf.zeros([1, 3, 1, 4]), config.vision)).toThrow(/at least 2/);
    expect(() => clipVision(params.vision, tf.zeros([1, 1, 4, 4]), config.vision)).toThrow(/\[B, 3, H, W\]/);
  });
  it('resizes positions with weights that sum to 1 and keep a constant', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), (from, to) => {
        for (const row of bicubicWeights(from, to)) expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 10);
      }),
    );
    const table = tf.fill([6, 2], 3);
    const resized = resizePositions(table, [2, 3], [4, 5]);
    expect(resized.shape).toEqual([20, 2]);
    for (const value of resized.dataSync()) expect(value).toBeCloseTo(3, 5);
    expect(resizePositions(table, [2, 3], [2, 3])).toBe(table);
  });
});

describe('similarity', () => {
  const scale = tf.scalar(0);
  it('of orthogonal pairs gives the known loss', () => {
    const logits = contrastiveLogits(tf.eye(3), tf.mul(tf.eye(3), 5), scale);
    const expected = -Math.log(Math.E / (Math.E + 2));
    expect(contrastiveLoss(logits).dataSync()[0]).toBeCloseTo(expected, 6);
  });
  it('token-wise, with one token a side, is the cosine', () => {
    const image = tf.randomNormal([2, 1, 4], 0, 1, 'float32', 1);
    const text = tf.randomNormal([3, 1, 4], 0, 1, 'float32', 2);
    const tokenwise = tokenwiseLogits(image, text, tf.ones([3, 1]), scale);
    const pooled = contrastiveLogits(image.reshape([2, 4]), text.reshape([3, 4]), scale);
    for (const side of ['perImage', 'perText'] as const) {
      const difference = tokenwise[side].sub(pooled[side]).abs().max().dataSync()[0];
      expect(difference).toBeLessThan(1e-6);
    }
  });
  it('token-wise agrees with the definition and ignores padding', () => {
    const image = tf.randomNormal([2, 3, 4], 0, 1, 'float32', 3);
    const text = tf.randomNormal([2, 4, 4], 0, 1, 'float32', 4);
    const mask = [
      [1, 1, 0, 0],
      [1, 1, 1, 0],
    ];
    const { perImage, perText } = tokenwiseLogits(image, text, tf.tensor2d(mask), tf.scalar(Math.log(2)));
    const unit = (v: number[]) => v.map(x => x / Math.hypot(...v));
    const images = (image.arraySync() as number[][][]).map(rows => rows.map(unit));
    const texts = (text.arraySync() as number[][][]).map((rows, i) => rows.map(unit).filter((_, j) => mask[i]![j]));
    const cosine = (a: number[], b: number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
    const best = (from: number[][], to: number[][]) =>
      (2 * from.reduce((sum, a) => sum + Math.max(...to.map(b => cosine(a, b))), 0)) / from.length;
    const [gotImage, gotText] = [perImage, perText].map(x => x.arraySync() as number[][]);
    images.forEach((patches, i) => {
      texts.forEach((tokens, j) => {
        expect(gotImage![i]![j]).toBeCloseTo(best(patches, tokens), 5);
        expect(gotText![i]![j]).toBeCloseTo(best(tokens, patches), 5);
      });
    });
  });
});

describe.each(['pooled', 'tokenwise'] as const)('the %s contrastive loss', score => {
  /** Loss of the batch, whose gradient reaches every parameter. */
  function loss(model: ClipParams, inputs: Record<string, tf.Tensor>): tf.Tensor {
    const image = clipVision(model.vision, inputs['pixels']!, config.vision);
    const text = clipText(model.text, { ids: inputs['ids']! }, config.text);
    if (score === 'pooled') {
      const picture = projectImage(model.vision, poolClassToken(model.vision, image, config.vision));
      const caption = projectText(model.text, poolAtEnd(text, inputs['ends']!));
      return contrastiveLoss(contrastiveLogits(picture, caption, model.logitScale));
    }
    const mask = tf.tensor2d([1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 1, 1, 0, 0], [3, 5]);
    const patches = patchFeatures(model.vision, image, config.vision);
    return contrastiveLoss(tokenwiseLogits(patches, projectText(model.text, text), mask, model.logitScale));
  }

  it('has the same gradients eager and compiled, and they move the loss', async () => {
    const eager = await expectSameGradients({ loss, params: weights, inputs: { pixels, ids, ends } }, 1e-5);
    let squared = 0;
    for (const [name, { data }] of Object.entries(eager)) {
      if (name !== 'loss') for (const value of data) squared += value * value;
    }
    const step = 2e-4 / Math.sqrt(squared);
    const moved = mapTree<HostTensor, tf.Tensor>(weights, isHostTensor, (leaf, name) =>
      tf.tensor(
        Float32Array.from(leaf.data, (value, i) => value - step * eager[name]!.data[i]!),
        [...leaf.shape],
      ),
    ) as unknown as ClipParams;
    const inputs = { pixels: tensor(pixels), ids: tensor(ids), ends: tensor(ends) };
    const drop = eager['loss']!.data[0]! - loss(moved, inputs).dataSync()[0]!;
    expect(drop / (step * squared)).toBeGreaterThan(0.8);
    expect(drop / (step * squared)).toBeLessThan(1.2);
  });
});
