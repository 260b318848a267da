/**
 * The joint noise predictor of UniDiffuser (Bao et al. 2023, "One Transformer Fits All Distributions in Multi-Modal
 * Diffusion at Scale", arXiv 2303.06555, section 4): one U-ViT over the tokens of an image (latent and CLIP embedding) and a text, each with its own
 * timestep. It predicts for both at every call; which one is sampled, given or ignored is in the timesteps.
 */
import * as tf from '@tensorflow/tfjs';
import { DuetError } from '../core/errors.ts';
import { convLayer, convSpec } from '../nn/conv.ts';
import { embeddingLayer, embeddingSpec, linearLayer, linearSpec } from '../nn/linear.ts';
import { layerNormLayer, normSpec } from '../nn/norm.ts';
import { type Params, truncNormal, zeros } from '../nn/params.ts';
import { timeEmbeddingLayer, timeMlpSpec } from '../nn/time-embedding.ts';
import { gridSize, type JointUvitConfig } from './config.ts';
import { type Grid, patchify, resizePositions, unpatchify } from './patches.ts';
import { blocksLayer, blocksSpec } from './transformer-blocks.ts';

/** Tokens before the text that have a position of their own in both versions: the two timesteps. */
const TIME_TOKENS = 2;
/** Web data and curated data. */
const DATA_TYPES = 2;
const POSITION_STD = 0.02;
/** The kind of data when none is given: curated. */
const DEFAULT_DATA_TYPE = 1;

/** The parameters of the network of `config`. */
export function jointUvitSpec(config: JointUvitConfig) {
  const { width, patchSize, latentChannels, clipDim, textDim, textTokens } = config;
  const patchDim = patchSize * patchSize * latentChannels;
  const patches = gridSize(config) ** 2;
  return {
    patchEmbed: linearSpec(patchDim, width),
    clipEmbed: linearSpec(clipDim, width),
    textEmbed: linearSpec(textDim, width),
    /** Of [image time, text time, text, CLIP image, patches]. */
    positions: truncNormal([TIME_TOKENS + textTokens + 1 + patches, width], POSITION_STD),
    ...(config.dataTypeToken
      ? { dataTypeEmbed: embeddingSpec(DATA_TYPES, width, 1), dataTypePosition: zeros([1, width]) }
      : {}),
    ...(config.timeMlp ? { imageTimeMlp: timeMlpSpec(width), textTimeMlp: timeMlpSpec(width) } : {}),
    ...blocksSpec(config, 'post'),
    norm: normSpec(width),
    patchOut: linearSpec(width, patchDim),
    clipOut: linearSpec(width, clipDim),
    textOut: linearSpec(width, textDim),
    ...(config.finalConv ? { finalConv: convSpec(latentChannels, latentChannels, 3) } : {}),
  };
}

export type JointUvitParams = Params<ReturnType<typeof jointUvitSpec>>;

/** Noised (or clean, or ignored) parts and their timesteps on the scale 0 (clean) to 1000 (noise). */
export interface JointUvitInputs {
  /** [B, C, H, W] */
  readonly image: tf.Tensor;
  /** [B, 1, clipDim] */
  readonly clipImage: tf.Tensor;
  /** [B, textTokens, textDim] */
  readonly text: tf.Tensor;
  /** [B], of both image parts */
  readonly imageTime: tf.Tensor;
  /** [B] */
  readonly textTime: tf.Tensor;
  /** int32 [B]; only with a data-type token. @default ones (curated) */
  readonly dataType?: tf.Tensor | undefined;
}

/** Predictions in the shapes of the inputs. */
export interface JointUvitOutputs {
  readonly image: tf.Tensor;
  readonly clipImage: tf.Tensor;
  readonly text: tf.Tensor;
}

/** All positions [L, D] for an image of `grid` patches. */
function positionsFor(params: JointUvitParams, config: JointUvitConfig, grid: Grid): tf.Tensor {
  const { positions, dataTypePosition } = params;
  const [total, width] = positions.shape as [number, number];
  const side = gridSize(config);
  const patches = side * side;
  const isDefault = grid.rows === side && grid.columns === side;
  if (isDefault && !dataTypePosition) return positions;
  const times = positions.slice([0, 0], [TIME_TOKENS, width]);
  const others = positions.slice([TIME_TOKENS, 0], [total - TIME_TOKENS - patches, width]);
  const image = positions.slice([total - patches, 0], [patches, width]);
  return tf.concat(
    [times, ...(dataTypePosition ? [dataTypePosition] : []), others, resizePositions(image, side, grid)],
    0,
  );
}

function checkInputs({ clipImage, text, imageTime, textTime, image }: JointUvitInputs, config: JointUvitConfig): void {
  const batch = image.shape[0];
  const expected = {
    image: [batch, config.latentChannels, image.shape[2], image.shape[3]],
    clipImage: [batch, 1, config.clipDim],
    text: [batch, config.textTokens, config.textDim],
    imageTime: [batch],
    textTime: [batch],
  };
  for (const [name, tensor] of Object.entries({ image, clipImage, text, imageTime, textTime })) {
    const shape = expected[name as keyof typeof expected];
    if (`${tensor.shape}` !== `${shape}`) {
      throw new DuetError('invalid-argument', `uvit: ${name} must be [${shape}], got [${tensor.shape}]`);
    }
  }
}

/**
 * Predicts the noise (or velocity, as trained) of all three parts.
 * @throws DuetError `invalid-argument` when a shape does not fit the configuration
 */
export function jointUvit(params: JointUvitParams, inputs: JointUvitInputs, config: JointUvitConfig): JointUvitOutputs {
  checkInputs(inputs, config);
  const { width, heads, patchSize, textTokens } = config;
  const batch = inputs.image.shape[0]!;
  const { patches, grid } = patchify(inputs.image, patchSize);
  const time = (mlp: JointUvitParams['imageTimeMlp'], t: tf.Tensor) =>
    timeEmbeddingLayer(mlp, t, width).reshape([batch, 1, width]);
  const dataType = () => {
    const ids = inputs.dataType ?? tf.fill([batch], DEFAULT_DATA_TYPE, 'int32');
    return embeddingLayer(params.dataTypeEmbed!, ids).reshape([batch, 1, width]);
  };
  const tokens = tf.concat(
    [
      time(params.imageTimeMlp, inputs.imageTime),
      time(params.textTimeMlp, inputs.textTime),
      ...(params.dataTypeEmbed ? [dataType()] : []),
      linearLayer(params.textEmbed, inputs.text),
      linearLayer(params.clipEmbed, inputs.clipImage),
      linearLayer(params.patchEmbed, patches),
    ],
    1,
  ); // [B, L, D]
  const positioned = tf.add(tokens, positionsFor(params, config, grid).expandDims(0));
  const x = layerNormLayer(params.norm, blocksLayer(params, positioned, heads, 'post'));

  const textStart = TIME_TOKENS + (params.dataTypeEmbed ? 1 : 0);
  const clipStart = textStart + textTokens;
  const part = (start: number, length: number) => x.slice([0, start, 0], [batch, length, width]);
  const image = unpatchify(
    linearLayer(params.patchOut, part(clipStart + 1, grid.rows * grid.columns)),
    grid,
    patchSize,
  );
  return {
    image: params.finalConv ? convLayer(params.finalConv, image, { pad: 1 }) : image,
    clipImage: linearLayer(params.clipOut, part(clipStart, 1)),
    text: linearLayer(params.textOut, part(textStart, textTokens)),
  };
}
