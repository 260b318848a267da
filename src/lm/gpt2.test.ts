import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { freshParams, freshWeights } from '../../test/support/networks.ts';
import { float32, type HostTensor } from '../core/host-tensor.ts';
import type { Device } from '../engine/index.ts';
import { CompiledDecoder } from '../pipelines/compiled-decoder.ts';
import {
  beamSearch,
  type CaptionDecoderConfig,
  type CaptionDecoderParams,
  captionDecoderSpec,
  captionLogits,
  captionLoss,
  type DecodingQuery,
  decodeCached,
  decodePrefix,
  decodingProgram,
  embedTokens,
  encodePrefix,
  gpt2,
  gpt2Logits,
  gpt2Model,
  type KeyValueCache,
  runDecoding,
  tokenLogits,
} from './index.ts';
import { concatKeyValue } from './key-value-cache.ts';

const config: CaptionDecoderConfig = {
  prefixLength: 3,
  stateWidth: 6,
  latentWidth: 4,
  gpt2: {
    vocabularySize: 9,
    positions: 12,
    width: 8,
    layers: 2,
    heads: 2,
    mlpWidth: 16,
    activation: 'tanh',
    epsilon: 1e-5,
  },
};
/** So that the logits differ between positions and tokens. */
const scaled = { seed: 3, factor: 10 };
const spec = captionDecoderSpec(config);
const weights = freshWeights(spec, scaled);
const params = freshParams(spec, scaled);

const wave = (...shape: number[]) =>
  float32(
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(1 + i * 0.7)),
  );
const tensor = ({ data, shape }: HostTensor) => tf.tensor(data, [...shape]);
const largestDifference = (a: tf.Tensor, b: tf.Tensor) => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]!;
const tokens = [
  [1, 5, 2, 8],
  [7, 0, 0, 3],
];

describe('gpt2', () => {
  it('sees only what comes before', () => {
    const logits = (rows: number[][]) =>
      gpt2Logits(
        params.gpt2,
        gpt2(params.gpt2, { embeddings: embedTokens(params.gpt2, tf.tensor2d(rows, [2, 4], 'int32')) }, config.gpt2),
      );
    const changed = tokens.map(row => [...row.slice(0, 3), 4]);
    const first = (x: tf.Tensor) => x.slice([0, 0, 0], [2, 3, 9]);
    expect(largestDifference(first(logits(tokens)), first(logits(changed)))).toBe(0);
    expect(largestDifference(logits(tokens), logits(changed))).toBeGreaterThan(0.01);
  });
  it('refuses more positions than it has', () => {
    expect(() => gpt2(params.gpt2, { embeddings: tf.zeros([1, 13, 8]) }, config.gpt2)).toThrow(/12 positions, got 13/);
  });

  describe('with its cache', () => {
    const model = gpt2Model(config.gpt2);
    const empty = (batch: number) =>
      params.gpt2.layers.map(() => ({ key: tf.zeros([batch, 0, 8]), value: tf.zeros([batch, 0, 8]) }));
    const ids = (rows: readonly (readonly number[])[]) =>
      model.embed(
        params.gpt2,
        tf.tensor2d(
          rows.map(row => [...row]),
          [rows.length, rows[0]!.length],
          'int32',
        ),
      );
    const extend = (embeddings: tf.Tensor, past: KeyValueCache, pastLengths: number[]) =>
      model.extend(params.gpt2, { embeddings, past, pastLengths: tf.tensor1d(pastLengths, 'int32') });
    const joined = (past: KeyValueCache, added: KeyValueCache) =>
      past.map((layer, index) => concatKeyValue(layer, added[index]!));

    it('token by token, or some at a time, gives the states of the whole sequence', () => {
      const prefix = decodePrefix(params, tensor(wave(2, 3, 4)));
      const whole = gpt2(params.gpt2, { embeddings: tf.concat([prefix, ids(tokens)], 1) }, config.gpt2);
      const parts = [prefix, ids(tokens.map(row => row.slice(0, 1))), ids(tokens.map(row => row.slice(1, 3)))];
      let past: KeyValueCache = empty(2);
      let length = 0;
      for (const part of parts) {
        const { hidden, added } = extend(part, past, [length, length]);
        const size = part.shape[1]!;
        expect(largestDifference(hidden, whole.slice([0, length, 0], [2, size, 8]))).toBeLessThan(1e-5);
        past = joined(past, added);
        length += size;
      }
    });
    it('takes rows of different lengths, whatever lies behind the shorter', () => {
      const start = extend(decodePrefix(params, tensor(wave(1, 3, 4))), empty(1), [0]);
      const one = extend(ids([[5]]), start.added, [3]);
      const longer = joined(start.added, one.added);
      const two = extend(ids([[2]]), longer, [4]);
      const padded = start.added.map(({ key, value }) => {
        const pad = (x: tf.Tensor) => tf.concat([x, tf.fill([1, 1, 8], 3)], 1);
        return { key: pad(key), value: pad(value) };
      });
      const both = padded.map((layer, index) => ({
        key: tf.concat([layer.key, longer[index]!.key]),
        value: tf.concat([layer.value, longer[index]!.value]),
      }));
      const mixed = extend(ids([[5], [2]]), both, [3, 4]);
      expect(largestDifference(mixed.hidden, tf.concat([one.hidden, two.hidden]))).toBeLessThan(1e-6);
    });
  });
});

describe('caption decoder', () => {
  const latent = tensor(wave(2, 3, 4));
  const ids = tf.tensor2d(tokens, [2, 4], 'int32');
  it('encodes per position', () => {
    const states = tensor(wave(2, 3, 6));
    const whole = encodePrefix(params, states);
    expect(whole.shape).toEqual([2, 3, 4]);
    const second = encodePrefix(params, states.slice([0, 1, 0], [2, 1, 6]));
    expect(largestDifference(whole.slice([0, 1, 0], [2, 1, 4]), second)).toBeLessThan(1e-6);
  });
  it('token logits are those of the positions before the tokens', () => {
    const whole = captionLogits(params, { latent, tokens: ids }, config);
    expect(whole.shape).toEqual([2, 7, 9]);
    const difference = largestDifference(
      tokenLogits(params, { latent, tokens: ids }, config),
      whole.slice([0, 2, 0], [2, 4, 9]),
    );
    expect(difference).toBeLessThan(1e-6);
  });
  it('the loss is the mean over the tokens that count', () => {
    const logprobs = tf.logSoftmax(tokenLogits(params, { latent, tokens: ids }, config)).arraySync() as number[][][];
    const nll = tokens.map((row, b) => row.map((id, i) => -logprobs[b]![i]![id]!));
    const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
    const all = captionLoss(params, { latent, tokens: ids }, config).dataSync()[0];
    expect(all).toBeCloseTo(mean(nll.flat()), 5);
    const tokenMask = tf.tensor2d([1, 1, 0, 0, 1, 1, 1, 0], [2, 4]);
    const some = captionLoss(params, { latent, tokens: ids, tokenMask }, config).dataSync()[0];
    expect(some).toBeCloseTo(mean([...nll[0]!.slice(0, 2), ...nll[1]!.slice(0, 3)]), 5);
    const withPrefix = captionLoss(params, { latent, tokens: ids }, config, { countPrefix: true }).dataSync()[0];
    expect(withPrefix).not.toBeCloseTo(all!, 3);
  });
  it('masked tokens have no influence on loss or gradient', () => {
    const tokenMask = tf.tensor2d([1, 1, 0, 0, 1, 1, 1, 0], [2, 4]);
    const other = tf.tensor2d([1, 5, 0, 1, 7, 0, 0, 6], [2, 4], 'int32');
    const gradient = (labels: tf.Tensor) =>
      tf.grad(x => captionLoss(params, { latent: x, tokens: labels, tokenMask }, config))(latent);
    expect(largestDifference(gradient(ids), gradient(other))).toBeLessThan(1e-6);
  });
});

describe.each<Device>(['cpu', 'reference'])('decoding through the cache on %s', device => {
  const latents = wave(3, 3, 4);
  const maxTokens = 6;
  const search = () => beamSearch({ beams: 3, maxTokens, endIds: [4] });
  const latent = (row: number) => float32([3, 4], (latents.data as Float32Array).slice(row * 12, (row + 1) * 12));

  const prompt = (row: number) => ({ ids: [-1, -1, -1], vectors: latent(row).data as Float32Array });

  /** The whole sequence read again for each token. */
  const uncached =
    (row: number) =>
    async ({ sequences }: DecodingQuery) =>
      sequences.map(sequence => {
        const ids = sequence.length === 0 ? undefined : tf.tensor2d([...sequence], [1, sequence.length], 'int32');
        const logits = captionLogits(params, { latent: tensor(latent(row)).expandDims(), tokens: ids }, config);
        return { logits: logits.slice([0, 2 + sequence.length, 0], [1, 1, 9]).dataSync() as Float32Array };
      });

  const decoder = () =>
    CompiledDecoder.create(
      decodingProgram({
        model: gpt2Model(config.gpt2),
        params: (params: CaptionDecoderParams) => params.gpt2,
        vectors: { width: 4, embed: decodePrefix },
      }),
      { params: weights, positions: 12 },
      { device, threads: 1, name: 'captions' },
    );

  it('several captions together give the beams of plain passes', async () => {
    const compiled = await decoder();
    const found = await Promise.all([0, 1, 2].map(row => decodeCached(search(), prompt(row), compiled.sequences())));
    for (const [row, beams] of found.entries()) {
      const expected = await runDecoding(search(), uncached(row));
      expect(beams.map(beam => beam.tokens)).toEqual(expected.map(beam => beam.tokens));
      for (const [rank, beam] of beams.entries()) {
        expect(beam.averageLogprob).toBeCloseTo(expected[rank]!.averageLogprob, 4);
      }
    }
    await compiled.release();
  });

  it('hands out the hidden states that tokens are chosen from', async () => {
    const compiled = await decoder();
    const sequences = compiled.sequences();
    const sequence = sequences.create();
    const [start] = await sequences.extend([{ sequence, ...prompt(1), withHidden: true }]);
    expect(start!.hidden!.shape).toEqual([3, 8]);
    const [next] = await sequences.extend([{ sequence, ids: [5], withHidden: true }]);
    const prefix = decodePrefix(params, tensor(latent(1)).expandDims());
    const embeddings = tf.concat([prefix, embedTokens(params.gpt2, tf.tensor2d([5], [1, 1], 'int32'))], 1);
    const states = gpt2(params.gpt2, { embeddings }, config.gpt2).slice([0, 3, 0], [1, 1, 8]).reshape([1, 8]);
    expect(largestDifference(tf.tensor2d(next!.hidden!.data as Float32Array, [1, 8]), states)).toBeLessThan(1e-5);
    expect(largestDifference(tf.tensor2d(next!.logits, [1, 9]), gpt2Logits(params.gpt2, states))).toBeLessThan(1e-4);
    await compiled.release();
  });

  it('refuses more positions than the model has', async () => {
    const compiled = await decoder();
    const sequences = compiled.sequences();
    const sequence = sequences.create();
    await sequences.extend([{ sequence, ...prompt(0) }]);
    for (let token = 0; token < 9; token++) await sequences.extend([{ sequence, ids: [token % 9] }]);
    await expect(sequences.extend([{ sequence, ids: [0] }])).rejects.toThrow('reads at most 12 positions, got 13');
    await compiled.release();
  });
});
