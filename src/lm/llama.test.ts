/** Llama through its cache: parts, several sequences at once and the whole at once give the same. */
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { freshParams, freshWeights } from '../../test/support/networks.ts';
import type { Device } from '../engine/index.ts';
import { CompiledDecoder } from '../pipelines/compiled-decoder.ts';
import {
  decodingProgram,
  embedTokens,
  type LlamaConfig,
  type LlamaParams,
  llama,
  llamaLogits,
  llamaModel,
  llamaSpec,
} from './index.ts';

const config: LlamaConfig = {
  vocabularySize: 19,
  positions: 40,
  width: 12,
  layers: 2,
  heads: 6,
  keyValueHeads: 2,
  headWidth: 4,
  mlpWidth: 10,
  activation: 'silu',
  epsilon: 1e-5,
  rope: { base: 10_000 },
  tied: false,
  attentionBias: false,
  mlpBias: false,
};
const spec = llamaSpec(config);
/** Large enough for attention to matter. */
const scaled = { seed: 3, factor: 15 };
const weights = freshWeights(spec, scaled);
const params = freshParams(spec, scaled);

/** Logits [V] behind `ids`, read as a whole. */
function whole(ids: readonly number[]): Float32Array {
  const embeddings = embedTokens(params, tf.tensor2d([...ids], [1, ids.length], 'int32'));
  const last = llama(params, { embeddings }, config).slice([0, ids.length - 1, 0], [1, 1, config.width]);
  return llamaLogits(params, last).dataSync() as Float32Array;
}

function expectClose(got: Float32Array, expected: Float32Array): void {
  expect(got).toHaveLength(expected.length);
  for (const [index, value] of expected.entries()) expect(got[index]).toBeCloseTo(value, 4);
}

it('reads several texts in one row as each one alone', () => {
  const texts = [
    [3, 7, 1],
    [5, 5, 18, 2],
  ];
  const ids = tf.tensor2d([texts.flat()], [1, 7], 'int32');
  const segments = tf.tensor2d([texts.flatMap((text, segment) => text.map(() => segment))], [1, 7], 'int32');
  const states = llama(params, { embeddings: embedTokens(params, ids), segments }, config);
  for (const [at, text] of [
    [2, texts[0]!],
    [6, texts[1]!],
  ] as const) {
    const last = states.slice([0, at, 0], [1, 1, config.width]);
    expectClose(llamaLogits(params, last).dataSync() as Float32Array, whole(text));
  }
});

describe.each<Device>(['cpu', 'reference'])('llama decoding on %s', device => {
  it('reads in parts of any length, beside others, what it reads at once', async () => {
    const decoder = await CompiledDecoder.create(
      decodingProgram({ model: llamaModel(config), params: (own: LlamaParams) => own }),
      { params: weights, positions: config.positions },
      { device, threads: 1, name: 'llama' },
    );
    const sequences = decoder.sequences();
    const [one, other] = [sequences.create(), sequences.create()];
    const long = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9];
    const extend = async (first: readonly number[], second: readonly number[]) => {
      const rows = await sequences.extend([
        { sequence: one, ids: first },
        { sequence: other, ids: second },
      ]);
      return rows.map(({ logits }) => logits) as [Float32Array, Float32Array];
    };
    const [a, b] = await extend(long.slice(0, 4), [7]);
    expectClose(a, whole(long.slice(0, 4)));
    expectClose(b, whole([7]));
    await extend(long.slice(4, 12), [11, 12]);
    const [c, d] = await extend([long[12]!], [18]);
    expectClose(c, whole(long));
    expectClose(d, whole([7, 11, 12, 18]));
    await decoder.release();
  });
});
