/**
 * The transformer blocks of U-ViT and the U that they form. Two orders of normalisation share one structure:
 * `pre` (plain U-ViT) normalises the input of attention and perceptron, `post` (UniDiffuser) the sum after each.
 */
import * as tf from '@tensorflow/tfjs';
import { selfAttentionLayer, selfAttentionSpec } from '../nn/attention.ts';
import { type LinearSpec, linearLayer, linearSpec } from '../nn/linear.ts';
import { mlpLayer, mlpSpec } from '../nn/mlp.ts';
import { layerNormLayer, type NormSpec, normSpec } from '../nn/norm.ts';
import type { Params } from '../nn/params.ts';

export type NormOrder = 'pre' | 'post';

/** Sizes that the blocks need. */
interface BlockConfig {
  readonly width: number;
  readonly depth: number;
  readonly heads: number;
  readonly mlpRatio: number;
  readonly qkvBias?: boolean;
}

/** The long connection of an outgoing block: [x, skip] -> D, normalised in the `post` order only. */
type SkipSpec = { readonly linear: LinearSpec; readonly norm?: NormSpec };

function blockSpec({ width, mlpRatio, qkvBias = false }: BlockConfig, skip?: SkipSpec) {
  return {
    ...(skip ? { skip } : {}),
    attnNorm: normSpec(width),
    attn: selfAttentionSpec(width, { qkvBias }),
    mlpNorm: normSpec(width),
    mlp: mlpSpec(width, Math.floor(width * mlpRatio)),
  };
}

type BlockSpec = ReturnType<typeof blockSpec>;

/** All blocks: `depth / 2` in, one in the middle, `depth / 2` out. */
export function blocksSpec(config: BlockConfig, order: NormOrder, hasSkips = true) {
  const { width, depth } = config;
  const half = Array.from({ length: depth / 2 });
  const skip = (): SkipSpec => ({
    linear: linearSpec(2 * width, width),
    ...(order === 'post' ? { norm: normSpec(width) } : {}),
  });
  return {
    inBlocks: half.map(() => blockSpec(config)),
    midBlock: blockSpec(config),
    outBlocks: half.map(() => blockSpec(config, hasSkips ? skip() : undefined)),
  };
}

type BlocksSpec = ReturnType<typeof blocksSpec>;

/** x [B, L, D] and, for an outgoing block, the skipped x [B, L, D] -> [B, L, D]. */
function block(
  params: Params<BlockSpec>,
  x: tf.Tensor,
  heads: number,
  order: NormOrder,
  skipped?: tf.Tensor,
): tf.Tensor {
  const { skip, attn, attnNorm, mlp, mlpNorm } = params;
  let h = x;
  if (skip && skipped) {
    h = linearLayer(skip.linear, tf.concat([h, skipped], 2));
    if (skip.norm) h = layerNormLayer(skip.norm, h);
  }
  if (order === 'pre') {
    h = tf.add(h, selfAttentionLayer(attn, layerNormLayer(attnNorm, h), { heads }));
    return tf.add(h, mlpLayer(mlp, layerNormLayer(mlpNorm, h)));
  }
  h = layerNormLayer(attnNorm, tf.add(h, selfAttentionLayer(attn, h, { heads })));
  return layerNormLayer(mlpNorm, tf.add(h, mlpLayer(mlp, h)));
}

/** Tokens [B, L, D] through the whole U: the last block in meets the first block out. */
export function blocksLayer(params: Params<BlocksSpec>, tokens: tf.Tensor, heads: number, order: NormOrder): tf.Tensor {
  const skipped: tf.Tensor[] = [];
  let x = tokens;
  for (const inBlock of params.inBlocks) {
    x = block(inBlock, x, heads, order);
    skipped.push(x);
  }
  x = block(params.midBlock, x, heads, order);
  for (const outBlock of params.outBlocks) x = block(outBlock, x, heads, order, skipped.pop());
  return x;
}
