import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { float32, type HostTensor, isHostTensor } from '../core/host-tensor.ts';
import { seededRandom } from '../core/random.ts';
import { flattenTree } from '../core/tree.ts';
import { compile } from '../engine/index.ts';
import { fillParams, initialise } from '../nn/params.ts';
import {
  beamSearch,
  type CaptionDecoderConfig,
  type CaptionDecoderParams,
  cachedNextLogits,
  cachedPrograms,
  cachedRows,
  captionDecoderSpec,
  captionLogits,
  captionLoss,
  type DecodingQuery,
  decodePrefix,
  embedTokens,
  encodePrefix,
  gpt2,
  gpt2Logits,
  gpt2Prefill,
  gpt2Step,
  runDecodings,
  tokenLogits,
  unstack,
} from './index.ts';

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
// Ten times the usual spread, so that the logits differ between positions and tokens.
const fresh = flattenTree<HostTensor>(initialise(captionDecoderSpec(config), seededRandom(3)), isHostTensor);
const wider = Object.entries(fresh).map(([name, tensor]) => {
  if (name.endsWith('bias') || name.includes('norm')) return [name, tensor] as const;
  const data = Float32Array.from(tensor.data, x => 10 * x);
  return [name, float32(tensor.shape, data)] as const;
});
const weights = fillParams(captionDecoderSpec(config), Object.fromEntries(wider), 'the test');
const params = fillParams(
  captionDecoderSpec(config),
  Object.fromEntries(wider.map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])])),
  'the test',
);

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
  it('token by token through the cache gives the logits of the whole sequence', () => {
    const latent = tensor(wave(2, 3, 4));
    const whole = captionLogits(params, { latent, tokens: tf.tensor2d(tokens, [2, 4], 'int32') }, config);
    let state = gpt2Prefill(params.gpt2, { embeddings: decodePrefix(params, latent) }, config.gpt2, 9);
    for (let i = 0; i <= 4; i++) {
      const expected = whole.slice([0, 2 + i, 0], [2, 1, 9]).reshape([2, 9]);
      expect(largestDifference(state.logits, expected)).toBeLessThan(1e-5);
      if (i === 4) break;
      const ids = tf.tensor1d(
        tokens.map(row => row[i]!),
        'int32',
      );
      const positions = tf.tensor1d([3 + i, 3 + i], 'int32');
      state = gpt2Step(params.gpt2, { ids, positions, cache: state.cache }, config.gpt2);
    }
  });
  it('rows of the cache may be at different positions, and keys may be hidden', () => {
    const latent = tensor(wave(1, 3, 4));
    const start = gpt2Prefill(params.gpt2, { embeddings: decodePrefix(params, latent) }, config.gpt2, 6);
    const step = (rows: readonly [id: number, position: number][], cache = start.cache, visible?: number[][]) =>
      gpt2Step(
        params.gpt2,
        {
          ids: tf.tensor1d(
            rows.map(row => row[0]),
            'int32',
          ),
          positions: tf.tensor1d(
            rows.map(row => row[1]),
            'int32',
          ),
          cache,
          ...(visible && { visible: tf.tensor2d(visible) }),
        },
        config.gpt2,
      );
    const one = step([[5, 3]]);
    const two = step([[2, 4]], one.cache);
    const both = [start.cache, one.cache];
    const stacked = start.cache.map((_, layer) => ({
      key: tf.concat(both.map(cache => cache[layer]!.key)),
      value: tf.concat(both.map(cache => cache[layer]!.value)),
    }));
    const mixed = step(
      [
        [5, 3],
        [2, 4],
      ],
      stacked,
    );
    expect(largestDifference(mixed.logits, tf.concat([one.logits, two.logits]))).toBeLessThan(1e-6);
    const hidden = step([[5, 3]], start.cache, [[0, 1, 1, 1, 1, 1]]);
    expect(largestDifference(hidden.logits, one.logits)).toBeGreaterThan(1e-3);
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

describe('beam search through the cache', () => {
  const latents = wave(3, 3, 4);
  const maxTokens = 6;
  const searches = () => [1, 2, 3].map(() => beamSearch({ beams: 3, maxTokens, endId: 4 }));

  /** The whole sequence read again for each token. */
  async function uncached({ sequences, parents }: DecodingQuery, owners: number[]): Promise<Float32Array[]> {
    const mine = parents.map(parent => owners[parent]!);
    owners.splice(0, owners.length, ...mine);
    return sequences.map((sequence, row) => {
      const latent = tensor(latents).slice([mine[row]!, 0, 0], [1, 3, 4]);
      const ids = sequence.length === 0 ? undefined : tf.tensor2d([...sequence], [1, sequence.length], 'int32');
      const logits = captionLogits(params, { latent, tokens: ids }, config);
      return logits.slice([0, 2 + sequence.length, 0], [1, 1, 9]).dataSync() as Float32Array;
    });
  }

  it('several captions together, compiled, gives the beams of plain passes', async () => {
    const owners = [0, 1, 2];
    const expected = await runDecodings(searches(), query => uncached(query, owners));
    const { prefill, step, stepInputs } = cachedPrograms<CaptionDecoderParams>({
      config: config.gpt2,
      length: 3 + maxTokens,
      model: params => params.gpt2,
      embed: decodePrefix,
    });
    const options = { threads: 1, name: 'captions' };
    const prefixInputs = { prefix: { dtype: 'float32', shape: ['batch', 3, 4] } } as const;
    const first = await compile(prefill, { params: weights, inputs: prefixInputs }, options);
    const next = await compile(step, { params: weights, inputs: stepInputs }, options);
    const run = { prefill: first.run.bind(first), step: next.run.bind(next) };
    const found = await runDecodings(searches(), cachedNextLogits(cachedRows(run), unstack(latents), 3));
    found.forEach((beams, index) => {
      expect(beams.map(beam => beam.tokens)).toEqual(expected[index]!.map(beam => beam.tokens));
      beams.forEach((beam, rank) => {
        expect(beam.averageLogprob).toBeCloseTo(expected[index]![rank]!.averageLogprob, 4);
      });
    });
    await Promise.all([first.release(), next.release()]);
  });
});
