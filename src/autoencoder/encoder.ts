/** The encoder: pixels to the mean and log-variance of every latent pixel. */
import type * as tf from '@tensorflow/tfjs';
import { type ConvSpec, convLayer, convSpec } from '../nn/conv.ts';
import { normSpec } from '../nn/norm.ts';
import type { Params } from '../nn/params.ts';
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
  readonly downsample?: ConvSpec;
};

export function encoderSpec(config: AutoencoderConfig) {
  const { inChannels, latentChannels, blocksPerLevel, midAttention = true, patchSize = 1 } = config;
  const widths = levelWidths(config);
  const last = widths.at(-1)!;
  const levels = widths.map((width, level): LevelSpec => {
    const before = widths[level - 1] ?? widths[0]!;
    return {
      blocks: Array.from({ length: blocksPerLevel }, (_, i) => residualBlockSpec(i === 0 ? before : width, width)),
      ...(level < widths.length - 1 ? { downsample: convSpec(width, width, 3) } : {}),
    };
  });
  return {
    convIn: convSpec(inChannels * patchSize ** 2, widths[0]!, 3),
    levels,
    mid: middleSpec(last, midAttention),
    normOut: normSpec(last),
    convOut: convSpec(last, 2 * latentChannels, 3),
  };
}

/** x [B, C, H, W] -> [B, 2 latentChannels, h, w]. */
export function encoder(
  params: Params<ReturnType<typeof encoderSpec>>,
  x: tf.Tensor,
  { normGroups }: AutoencoderConfig,
): tf.Tensor {
  let h = convLayer(params.convIn, x, { pad: 1 });
  for (const { blocks, downsample } of params.levels) {
    for (const block of blocks) h = residualBlock(block, h, normGroups);
    // Zeros right and below only, as in the original: the centres of the filters are the odd pixels.
    if (downsample) h = convLayer(downsample, h, { stride: 2, pad: [0, 0, 1, 1] });
  }
  return normActConv(params.normOut, params.convOut, middle(params.mid, h, normGroups), normGroups);
}
