/**
 * The convolutional U-Net of latent diffusion (Rombach et al., arXiv 2112.10752): down through the levels, across the
 * middle, and up again, where each block is given what a block on the way down left. With the configurations of Stable
 * Diffusion it is diffusers' UNet2DConditionModel.
 */
import * as tf from '@tensorflow/tfjs';
import { DuetError } from '../core/errors.ts';
import { type ConvSpec, convLayer, convSpec } from '../nn/conv.ts';
import { groupNormLayer, normSpec } from '../nn/norm.ts';
import type { Params } from '../nn/params.ts';
import { silu, upsample2x } from '../ops/index.ts';
import {
  type PixelAttentionSpec,
  pixelAttention,
  pixelAttentionSpec,
  type TransformerSpec,
  transformer,
  transformerSpec,
} from './attention.ts';
import { type ConditioningInputs, conditioning, conditioningSpec } from './conditioning.ts';
import { type LevelAttention, reductionOf, timeWidthOf, type UnetConfig, type UnetLevel } from './config.ts';
import { NORM_EPSILON, type ResidualBlockSpec, residualBlock, residualBlockSpec } from './residual-block.ts';

type BlockSpec = {
  readonly residual: ResidualBlockSpec;
  readonly transformer?: TransformerSpec;
  readonly attention?: PixelAttentionSpec;
};
type DownSpec = { readonly blocks: BlockSpec[]; readonly downsample?: ConvSpec };
type UpSpec = { readonly blocks: BlockSpec[]; readonly upsample?: ConvSpec };

function blockSpec(inputs: number, kind: LevelAttention, level: UnetLevel, config: UnetConfig): BlockSpec {
  const { width, layers = 1 } = level;
  const contextWidth = config.contextWidth ?? 0;
  return {
    residual: residualBlockSpec(inputs, width, config),
    ...(kind === 'self' && { attention: pixelAttentionSpec(width) }),
    ...((kind === 'cross' || kind === 'cross-only') && {
      transformer: transformerSpec(width, { layers, contextWidth, onlyContext: kind === 'cross-only' }),
    }),
  };
}

/**
 * The parameters of the network of `config`; levels of the way up are in the order of use, lowest resolution first.
 * @throws DuetError `invalid-config` if widths, groups, heads and contexts do not fit together
 */
export function unetSpec(config: UnetConfig) {
  checkConfig(config);
  const { inChannels, outChannels, levels, mid, inKernel = 3, outKernel = 3 } = config;
  const [first, last] = [levels[0]!, levels.at(-1)!];
  const down = levels.map((level, i): DownSpec => {
    const before = levels[i - 1]?.width ?? first.width;
    return {
      blocks: Array.from({ length: level.blocks }, (_, k) =>
        blockSpec(k === 0 ? before : level.width, level.down, level, config),
      ),
      ...(level === last ? {} : { downsample: convSpec(level.width, level.width, 3) }),
    };
  });
  const skips = skipWidths(config);
  let width = last.width;
  const up = [...levels].reverse().map((level): UpSpec => {
    const blocks = Array.from({ length: level.blocks + 1 }, () => {
      const spec = blockSpec(width + skips.pop()!, level.up, level, config);
      width = level.width;
      return spec;
    });
    return { blocks, ...(level === first ? {} : { upsample: convSpec(level.width, level.width, 3) }) };
  });
  const middle = (kind: LevelAttention) => blockSpec(last.width, kind, last, config);
  const mids = { cross: [middle('cross'), middle('none')], self: [middle('self'), middle('none')] };
  return {
    convIn: convSpec(inChannels, first.width, inKernel),
    conditioning: conditioningSpec(config),
    down,
    mid: { ...mids, block: [middle('none')], none: [] as BlockSpec[] }[mid],
    up,
    normOut: normSpec(first.width),
    convOut: convSpec(first.width, outChannels, outKernel),
  };
}

export type UnetParams = Params<ReturnType<typeof unetSpec>>;

/** Widths of what the way down leaves for the way up, first to last: the first convolution, all blocks, all halvings. */
function skipWidths({ levels }: UnetConfig): number[] {
  return [
    levels[0]!.width,
    ...levels.flatMap(({ width, blocks }, i) =>
      Array.from({ length: blocks + (i < levels.length - 1 ? 1 : 0) }, () => width),
    ),
  ];
}

export interface UnetInputs extends ConditioningInputs {
  /** [B, inChannels, H, W]; sides need not be multiples of anything, unless zeros are put at the end only. */
  readonly sample: tf.Tensor;
  /** [B, L, contextWidth], not masked; of networks that look at a context. */
  readonly context?: tf.Tensor | undefined;
}

/** The output with what leads to it. */
export interface UnetStates {
  /** The conditioning vector, [B, E]. */
  readonly conditioning: tf.Tensor;
  /** After each level of the way down, its halving included. */
  readonly down: readonly tf.Tensor[];
  /** After the middle. */
  readonly mid: tf.Tensor;
  /** [B, outChannels, H, W]. */
  readonly out: tf.Tensor;
}

/**
 * Predicts noise, velocity or data, as trained: [B, outChannels, H, W].
 * @throws DuetError `invalid-argument` when an input is missing or its shape does not fit the configuration
 */
export function unet(params: UnetParams, inputs: UnetInputs, config: UnetConfig): tf.Tensor {
  return unetStates(params, inputs, config).out;
}

/** {@link unet} with its states on the way. */
export function unetStates(params: UnetParams, inputs: UnetInputs, config: UnetConfig): UnetStates {
  checkInputs(inputs, config);
  const { levels, normGroups, normEpsilon = NORM_EPSILON, inKernel = 3, outKernel = 3, downsamplePad } = config;
  const vector = conditioning(params.conditioning, inputs, config);
  const condition = silu(vector);
  const run = (block: Params<BlockSpec>, x: tf.Tensor, level: UnetLevel, kind: LevelAttention, scale = 1) =>
    runBlock(block, residualBlock(block.residual, x, condition, config, scale), inputs.context, {
      level,
      kind,
      config,
    });

  const sample = config.centerInput ? tf.sub(tf.mul(inputs.sample, 2), 1) : inputs.sample;
  let h = convLayer(params.convIn, sample, { pad: (inKernel - 1) / 2 });
  const skips = [h];
  const keep = (x: tf.Tensor): tf.Tensor => {
    skips.push(x);
    return x;
  };
  const halving = { stride: 2, pad: downsamplePad === 'end' ? ([0, 0, 1, 1] as const) : 1 };
  const down = params.down.map(({ blocks, downsample }, i) => {
    const level = levels[i]!;
    for (const block of blocks) h = keep(run(block, h, level, level.down));
    if (downsample) h = keep(convLayer(downsample, h, halving));
    return h;
  });

  const lowest = levels.at(-1)!;
  for (const [k, block] of params.mid.entries()) {
    // The middle's attention follows its first block and is before its second one, which has none.
    const kind = k === 0 && (config.mid === 'cross' || config.mid === 'self') ? config.mid : 'none';
    h = run(block, h, lowest, kind, config.midScale);
  }
  const mid = h;

  for (const [i, { blocks, upsample }] of params.up.entries()) {
    const level = levels[levels.length - 1 - i]!;
    for (const block of blocks) h = run(block, tf.concat([h, skips.pop()!], 1), level, level.up);
    if (upsample) h = convLayer(upsample, enlarged(h, skips.at(-1)!), { pad: 1 });
  }
  const normed = silu(groupNormLayer(params.normOut, h, normGroups, normEpsilon));
  return { conditioning: vector, down, mid, out: convLayer(params.convOut, normed, { pad: (outKernel - 1) / 2 }) };
}

/** The attention of a block, if it has one, on the output of its residual part. */
function runBlock(
  { transformer: cross, attention }: Params<BlockSpec>,
  x: tf.Tensor,
  context: tf.Tensor | undefined,
  { level, kind, config }: { level: UnetLevel; kind: LevelAttention; config: UnetConfig },
): tf.Tensor {
  const { normGroups, normEpsilon = NORM_EPSILON } = config;
  const sizes = { heads: level.heads ?? 1, normGroups };
  if (attention) return pixelAttention(attention, x, { ...sizes, normEpsilon });
  return cross ? transformer(cross, x, context!, { ...sizes, onlyContext: kind === 'cross-only' }) : x; // checkInputs
}

/** `x` of twice the size, or of the size of `skip` where an odd side was halved: the same as nearest to that size. */
function enlarged(x: tf.Tensor, skip: tf.Tensor): tf.Tensor {
  const twice = upsample2x(x);
  const [batch, channels] = twice.shape as [number, number];
  const [height, width] = skip.shape.slice(2) as [number, number];
  if (twice.shape[2] === height && twice.shape[3] === width) return twice;
  return twice.slice([0, 0, 0, 0], [batch, channels, height, width]);
}

function usesContext({ levels, mid }: UnetConfig): boolean {
  return mid === 'cross' || levels.some(({ down, up }) => down.startsWith('cross') || up.startsWith('cross'));
}

function checkConfig(config: UnetConfig): void {
  const { levels, normGroups, mid, contextWidth, inKernel = 3, outKernel = 3 } = config;
  const attends = (level: UnetLevel) =>
    level.down !== 'none' || level.up !== 'none' || (level === levels.at(-1) && (mid === 'cross' || mid === 'self'));
  const widths = [...levels.map(({ width }) => width)];
  const problem = [
    ...widths.flatMap(width =>
      width % normGroups ? [`the width ${width} is no multiple of normGroups ${normGroups}`] : [],
    ),
    ...levels.flatMap(level => {
      const { width, heads = 1 } = level;
      return attends(level) && width % heads ? [`the width ${width} is no multiple of its ${heads} heads`] : [];
    }),
    ...(usesContext(config) && contextWidth === undefined ? ['contextWidth is missing'] : []),
    ...(inKernel % 2 === 0 || outKernel % 2 === 0 ? [`filters have odd sides, got ${inKernel} and ${outKernel}`] : []),
    ...(config.class?.kind === 'features' &&
    config.class.map === 'identity' &&
    config.class.width !== timeWidthOf(config)
      ? [`features that are taken as they are have ${timeWidthOf(config)} values, got ${config.class.width}`]
      : []),
  ][0];
  if (problem) throw new DuetError('invalid-config', `unet: ${problem}`);
}

function checkInputs(inputs: UnetInputs, config: UnetConfig): void {
  const { sample, time, context } = inputs;
  const fail = (message: string): never => {
    throw new DuetError('invalid-argument', `unet: ${message}`);
  };
  const [batch, channels, height, width] = sample.shape as [number, number, number, number];
  if (sample.rank !== 4 || channels !== config.inChannels) {
    fail(`sample must be [B, ${config.inChannels}, H, W], got [${sample.shape}]`);
  }
  if (config.downsamplePad === 'end' && (height % reductionOf(config) || width % reductionOf(config))) {
    fail(`sides must be multiples of ${reductionOf(config)} in this network, got ${height} x ${width}`);
  }
  if (`${time.shape}` !== `${[batch]}`) fail(`time must be [${batch}], got [${time.shape}]`);
  if (!usesContext(config)) return;
  const given = context ?? fail('this network needs the input "context"');
  if (given.rank !== 3 || given.shape[0] !== batch || given.shape[2] !== config.contextWidth) {
    fail(`context must be [${batch}, L, ${config.contextWidth}], got [${given.shape}]`);
  }
}
