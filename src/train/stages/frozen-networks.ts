/** The networks whose latents the joint stage learns, and those latents. */
import { autoencoderSpec } from '../../autoencoder/index.ts';
import { clipSpec, createTokenizer, parseTokenizerData, type TokenizerData } from '../../clip/index.ts';
import { DuetError } from '../../core/errors.ts';
import { float32, type HostTensor, isHostTensor } from '../../core/host-tensor.ts';
import { flattenTree } from '../../core/tree.ts';
import type { Sources } from '../../engine/index.ts';
import { captionDecoderSpec } from '../../lm/index.ts';
import { fillParams } from '../../nn/params.ts';
import type { LatentStatistics, ModelConfig } from '../../pipelines/unidiffuser/model-config.ts';
import {
  compileImageEncoder,
  compileTextEncoder,
  type LatentNetworks,
} from '../../pipelines/unidiffuser/networks/encode-programs.ts';
import { latentNormaliser } from '../../pipelines/unidiffuser/networks/normalise-latents.ts';
import type { JointStage } from '../config.ts';
import { cachedLatents, channelStatistics, gatherRows, type LatentTable } from '../data/latents.ts';
import { captionBatch, type PairSource } from '../data/source.ts';
import type { JointFrozen } from '../objectives/joint.ts';
import type { RandomStream } from '../random.ts';
import type { StageContext } from './context.ts';
import { loadTrainedNetwork } from './trained-network.ts';

/** Autoencoder, CLIP and caption decoder: of the earlier stages' runs, or of a finished model. */
export interface FrozenNetworks extends LatentNetworks<HostTensor> {
  readonly tokenizer: TokenizerData;
}

export async function loadFrozenNetworks({ parts, model }: JointStage): Promise<FrozenNetworks> {
  const autoencoder = await loadTrainedNetwork(parts.autoencoder, 'autoencoder');
  const clip = await loadTrainedNetwork(parts.clip, 'clip');
  const captionDecoder = await loadTrainedNetwork(parts.captionDecoder, 'caption-decoder');
  const wanted = {
    latentChannels: autoencoder.config.model.latentChannels,
    clipDim: clip.config.model.vision.projection ?? clip.config.model.vision.width,
    textDim: captionDecoder.config.model.latentWidth,
    textTokens: captionDecoder.config.model.prefixLength,
  };
  for (const [key, value] of Object.entries(wanted) as [keyof typeof wanted, number][]) {
    if (model[key] !== value) {
      throw new DuetError('invalid-config', `model.${key} is ${model[key]}, the trained parts make ${value}`);
    }
  }
  const config = {
    autoencoder: autoencoder.config.model,
    clip: clip.config.model,
    captionDecoder: captionDecoder.config.model,
  };
  return {
    config,
    tokenizer: parseTokenizerData(clip.metadata['tokenizer']!),
    weights: {
      autoencoder: fillParams(autoencoderSpec(config.autoencoder), autoencoder.tensors, parts.autoencoder),
      clip: fillParams(clipSpec(config.clip), clip.tensors, parts.clip),
      captionDecoder: fillParams(
        captionDecoderSpec(config.captionDecoder),
        captionDecoder.tensors,
        parts.captionDecoder,
      ),
    },
  };
}

/** The latents of all pictures of `source`, from the cache or computed now. */
export async function imageLatents(
  networks: FrozenNetworks,
  source: PairSource,
  context: StageContext,
): Promise<LatentTable> {
  const { autoencoder, clip } = networks.weights;
  return cachedLatents(
    source,
    { ...flattenTree<HostTensor>(autoencoder, isHostTensor), ...flattenTree<HostTensor>(clip, isHostTensor) },
    () => compileImageEncoder(networks, source.side, { ...context.engine }),
    {
      cache: context.cache,
      batch: 64,
      ...(context.signal && { signal: context.signal }),
      ...(context.onProgress && {
        onProgress: (fraction: number) => context.onProgress?.('encoding pictures', fraction),
      }),
    },
  );
}

/** Image latents of the rows `indices`, sampled from their posteriors and normalised: [B, C, S, S]. */
export function sampledImages(
  latents: LatentTable,
  statistics: LatentStatistics,
  indices: readonly number[],
  { normal }: Pick<RandomStream, 'normal'>,
): HostTensor {
  const [, channels, height, width] = latents['mean']!.shape as [number, number, number, number];
  const mean = gatherRows(latents['mean']!, indices);
  const spread = gatherRows(latents['std']!, indices);
  const noise = normal(mean.length);
  const normalise = latentNormaliser(statistics, height * width);
  return float32(
    [indices.length, channels, height, width],
    mean.map((x, i) => normalise(x + spread[i]! * noise[i]!, i)),
  );
}

/** The parameters that compute normalised text latents inside a training step. */
export function textEncoder({ weights }: FrozenNetworks, { mean, std }: LatentStatistics): Sources<JointFrozen> {
  const perChannel = (values: readonly number[]) => float32([values.length], Float32Array.from(values));
  return {
    text: weights.clip.text,
    encodePrefix: weights.captionDecoder.encodePrefix,
    mean: perChannel(mean),
    std: perChannel(std),
  };
}

/** Statistics over all image latents and over the captions of a few thousand items. */
export async function latentStatistics(
  networks: FrozenNetworks,
  source: PairSource,
  latents: LatentTable,
  context: StageContext,
): Promise<ModelConfig['latents']> {
  const encoder = await compileTextEncoder(networks, { ...context.engine });
  try {
    const count = Math.min(4096, source.size);
    const captions = captionBatch(
      source,
      Array.from({ length: count }, (_, i) => i),
      0,
      0,
    );
    const tokenizer = createTokenizer(networks.tokenizer);
    const ids = tokenizer.frameBatch(captions, networks.config.captionDecoder.prefixLength);
    const { y } = await encoder.run({ ids });
    return {
      image: channelStatistics(latents['mean']!, 1),
      clip: channelStatistics(latents['clip']!, 2),
      text: channelStatistics(y!, 2),
    };
  } finally {
    await encoder.release();
  }
}
