/** The decoder: latent pixels to pixels. */
import type * as tf from '@tensorflow/tfjs';
import { type ConvSpec, convLayer, convSpec } from '../nn/conv.ts';
import { normSpec } from '../nn/norm.ts';
import type { Params } from '../nn/params.ts';
import { upsample2x } from '../ops/index.ts';
import { type AutoencoderConfig, levelWidths } from './config.ts';
import {
  middle,
  middleSpec,
  normActConv,
  type ResidualBlockSpec,
  residualBlock,
  residualBlockSpec,
} from './residual-blocks.ts';

type LevelSpec = {
  readonly blocks: ResidualBlockSpec[];
  /** Absent at the last level. */
  readonly upsample?: ConvSpec;
};

/** Levels are in the order of use: lowest resolution first. */
export function decoderSpec(config: AutoencoderConfig) {
  const { inChannels, latentChannels, blocksPerLevel, midAttention = true, patchSize = 1 } = config;
  const widths = levelWidths(config).reverse();
  const first = widths[0]!;
  const levels = widths.map((width, level): LevelSpec => {
    const before = widths[level - 1] ?? first;
    return {
      blocks: Array.from({ length: blocksPerLevel + 1 }, (_, i) => residualBlockSpec(i === 0 ? before : width, width)),
      ...(level < widths.length - 1 ? { upsample: convSpec(width, width, 3) } : {}),
    };
  });
  return {
    convIn: convSpec(latentChannels, first, 3),
    mid: middleSpec(first, midAttention),
    levels,
    normOut: normSpec(widths.at(-1)!),
    convOut: convSpec(widths.at(-1)!, inChannels * patchSize ** 2, 3),
  };
}

/** z [B, latentChannels, h, w] -> [B, C, H, W]. */
export function decoder(
  params: Params<ReturnType<typeof decoderSpec>>,
  z: tf.Tensor,
  { normGroups }: AutoencoderConfig,
): tf.Tensor {
  let h = middle(params.mid, convLayer(params.convIn, z, { pad: 1 }), normGroups);
  for (const { blocks, upsample } of params.levels) {
    for (const block of blocks) h = residualBlock(block, h, normGroups);
    if (upsample) h = convLayer(upsample, upsample2x(h), { pad: 1 });
  }
  return normActConv(params.normOut, params.convOut, h, normGroups);
}
