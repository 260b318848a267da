/** What the recorded folders of BLIP-2 (src/pipelines/chat/blip2) do not show of T5. */
import { describe, expect, it } from 'vitest';
import { t5ConfigFrom } from '../weights/names/t5.ts';
import { kindOf } from './relative-bias.ts';

describe('kinds of distances', () => {
  // T5Attention._relative_position_bucket of transformers 5.18.0.
  it.each([
    [
      true,
      [-200, -128, -90, -64, -32, -16, -8, -7, -1, 0, 1, 7, 8, 16, 31, 32, 64, 127],
      '15 15 14 14 12 10 8 7 1 0 17 23 24 26 27 28 30 31',
    ],
    [false, [-200, -128, -90, -64, -32, -16, -15, -1, 0, 1, 100], '31 31 29 26 21 16 15 1 0 0 0'],
  ] as const)('are those of transformers (both ways: %s)', (bothWays, distances, kinds) => {
    const got = distances.map(distance => kindOf(distance, { buckets: 32, maxDistance: 128, bothWays }));
    expect(got.join(' ')).toBe(kinds);
  });
});

describe('what a file says', () => {
  it('of the perceptron and the output layer, by versions of T5 and of transformers', () => {
    const first = t5ConfigFrom({}, 'x');
    expect(first).toMatchObject({ activation: 'relu', gated: false, scaled: true, startId: 0, buckets: 32 });
    const flan = t5ConfigFrom({ feed_forward_proj: 'gated-gelu', tie_word_embeddings: false }, 'x');
    expect(flan).toMatchObject({ activation: 'tanh', gated: true, scaled: false });
    const blip2 = t5ConfigFrom(
      { feed_forward_proj: 'gated-gelu', dense_act_fn: 'gelu', scale_decoder_outputs: false },
      'x',
    );
    expect(blip2).toMatchObject({ activation: 'erf', gated: true, scaled: false });
    expect(t5ConfigFrom({ feed_forward_proj: 'gated-silu' }, 'x')).toMatchObject({ activation: 'silu', gated: true });
  });
});
