/** The three trained parts that the joint stage stands on, and the programs that make latents with them. */
import { type AutoencoderConfig, autoencoderSpec } from '../../autoencoder/index.ts';
import {
  type ClipConfig,
  clipTextSpec,
  clipVisionSpec,
  createTokenizer,
  parseTokenizerData,
  type Tokenizer,
  type TokenizerData,
} from '../../clip/index.ts';
import { DuetError } from '../../core/errors.ts';
import { float32, type HostTensor } from '../../core/host-tensor.ts';
import type { Tree } from '../../core/tree.ts';
import { compile, type Executable, type Program } from '../../engine/index.ts';
import type { CaptionDecoderConfig } from '../../lm/index.ts';
import { imageEncoder } from '../../pipelines/unidiffuser/networks/encode-programs.ts';
import type { JointStage } from '../config.ts';
import { type ChannelStatistics, cachedLatents, channelStatistics, type LatentTable } from '../data/latents.ts';
import { captionBatch, type PairSource } from '../data/source.ts';
import { type JointFrozen, textLatents } from '../objectives/joint.ts';
import type { StageContext } from './context.ts';
import { fill, loadPart } from './part.ts';

/** A trained network: of a stage's run or of a model folder. */
interface JointPart<M> {
  readonly config: { readonly model: M };
  /** Parameters by dotted name. */
  readonly tensors: Readonly<Record<string, HostTensor>>;
}

export interface JointParts {
  readonly autoencoder: JointPart<AutoencoderConfig>;
  readonly clip: JointPart<ClipConfig>;
  readonly captionDecoder: JointPart<CaptionDecoderConfig>;
  readonly tokenizer: Tokenizer;
  readonly tokenizerData: TokenizerData;
}

/** Mean and standard deviation per channel of each part; the U-ViT sees (latent - mean) / std. */
export interface LatentStatisticsTable {
  readonly image: ChannelStatistics;
  readonly clip: ChannelStatistics;
  readonly text: ChannelStatistics;
}

export async function loadJointParts({ parts, model }: JointStage): Promise<JointParts> {
  const autoencoder = await loadPart(parts.autoencoder, 'autoencoder');
  const clip = await loadPart(parts.clip, 'clip');
  const captionDecoder = await loadPart(parts.captionDecoder, 'caption-decoder');
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
  const tokenizerData = parseTokenizerData(clip.metadata['tokenizer']!);
  return { autoencoder, clip, captionDecoder, tokenizer: createTokenizer(tokenizerData), tokenizerData };
}

/** The latents of all pictures of `source`, from the cache or made now. */
export async function imageLatents(parts: JointParts, source: PairSource, context: StageContext): Promise<LatentTable> {
  const { autoencoder, clip } = parts;
  const { vision } = clip.config.model;
  const params = {
    autoencoder: fill(autoencoderSpec(autoencoder.config.model), autoencoder.tensors),
    vision: fill(clipVisionSpec(vision), clip.tensors, 'vision.'),
  };
  const batch = 64;
  return cachedLatents(
    source,
    { ...autoencoder.tensors, ...clip.tensors },
    () =>
      compile(
        imageEncoder(autoencoder.config.model, vision) as Program<unknown, unknown>,
        { params, inputs: { pixels: { dtype: 'float32', shape: ['batch', 3, source.side, source.side] } } },
        { ...context.engine, name: 'encode-images' },
      ),
    {
      cache: context.cache,
      batch,
      ...(context.signal && { signal: context.signal }),
      ...(context.onProgress && { onProgress: (share: number) => context.onProgress?.('encoding pictures', share) }),
    },
  );
}

/** What makes text latents inside other programs; without statistics they are not normalised. */
export function textEncoder(
  parts: JointParts,
  statistics?: ChannelStatistics,
): Record<keyof JointFrozen, Tree<HostTensor>> {
  const { clip, captionDecoder } = parts;
  const width = captionDecoder.config.model.latentWidth;
  const prefix = (name: string): HostTensor => captionDecoder.tensors[`encodePrefix.${name}`]!;
  return {
    text: fill(clipTextSpec(clip.config.model.text), clip.tensors, 'text.'),
    encodePrefix: { weight: prefix('weight'), bias: prefix('bias') },
    mean: float32([width], statistics?.mean ?? new Float32Array(width)),
    std: float32([width], statistics?.std ?? new Float32Array(width).fill(1)),
  };
}

/** ids int32 [B, L] -> `latents` [B, L, d]. */
export async function compileTextEncoder(
  parts: JointParts,
  statistics: ChannelStatistics | undefined,
  context: StageContext,
): Promise<Executable> {
  const { text } = parts.clip.config.model;
  const { prefixLength } = parts.captionDecoder.config.model;
  const program: Program<JointFrozen, unknown> = ({ params, inputs }) => ({
    outputs: { latents: textLatents(params, inputs['ids']!, text) },
  });
  return compile(
    program as Program<unknown, unknown>,
    { params: textEncoder(parts, statistics), inputs: { ids: { dtype: 'int32', shape: ['batch', prefixLength] } } },
    { ...context.engine, name: 'encode-texts' },
  );
}

/** Statistics over all image latents and over the captions of a few thousand items. */
export async function latentStatistics(
  parts: JointParts,
  source: PairSource,
  latents: LatentTable,
  context: StageContext,
): Promise<LatentStatisticsTable> {
  const encoder = await compileTextEncoder(parts, undefined, context);
  try {
    const count = Math.min(4096, source.size);
    const captions = captionBatch(
      source,
      Array.from({ length: count }, (_, i) => i),
      0,
      0,
    );
    const ids = parts.tokenizer.frameBatch(captions, parts.captionDecoder.config.model.prefixLength);
    const { latents: text } = await encoder.run({ ids });
    return {
      image: channelStatistics(latents['mean']!, 1),
      clip: channelStatistics(latents['clip']!, 2),
      text: channelStatistics(text!, 2),
    };
  } finally {
    await encoder.release();
  }
}
