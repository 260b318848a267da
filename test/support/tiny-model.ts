/** A complete model of a few thousand random parameters: everything about the pipeline can be tested but its beauty. */
import { trainTokenizer } from '../../src/clip/index.ts';
import type { HostTensor } from '../../src/core/host-tensor.ts';
import { seededRandom } from '../../src/core/random.ts';
import { initialise } from '../../src/nn/params.ts';
import { type Model, type ModelConfig, modelSpecs } from '../../src/pipelines/index.ts';

const captions = ['a red apple', 'a dog to the left of a cat', 'two green trees on a blue background'];
const textTokens = 8;
const latentChannels = 4;
const clipDim = 6;
const textDim = 4;

const tinyTokenizer = {
  ...trainTokenizer(captions, { vocabularySize: 300 }),
  words: [...new Set(captions.join(' ').split(' '))],
};

function tinyConfig(): ModelConfig {
  const vocabularySize = Math.max(...Object.values(tinyTokenizer.vocab)) + 1;
  const tower = { width: 8, layers: 1, heads: 2, mlpWidth: 16, activation: 'quick', epsilon: 1e-5 } as const;
  const flat = (channels: number) => ({
    mean: Array.from({ length: channels }, (_, i) => 0.1 * i),
    std: new Array<number>(channels).fill(1.5),
  });
  return {
    format: 'duet-model-1',
    family: 'unidiffuser',
    name: 'tiny',
    imageSize: 16,
    textTokens,
    autoencoder: {
      inChannels: 3,
      latentChannels,
      channels: 8,
      channelMultipliers: [1, 1],
      blocksPerLevel: 1,
      normGroups: 4,
    },
    clip: {
      text: { ...tower, vocabularySize, positions: textTokens, projection: clipDim },
      vision: { ...tower, imageSize: 16, patchSize: 8, channels: 3, projection: clipDim },
    },
    captionDecoder: {
      prefixLength: textTokens,
      stateWidth: tower.width,
      latentWidth: textDim,
      gpt2: { ...tower, activation: 'tanh', vocabularySize, positions: 2 * textTokens },
    },
    uvit: {
      latentSize: 8,
      latentChannels,
      patchSize: 4,
      width: 16,
      depth: 2,
      heads: 2,
      mlpRatio: 2,
      clipDim,
      textDim,
      textTokens,
    },
    diffusion: { prediction: 'v', schedule: { kind: 'cosine' } },
    latents: { image: flat(latentChannels), clip: flat(clipDim), text: flat(textDim) },
    sampling: { steps: 3, guidance: { t2i: 2, i2t: 2, joint: 1.5 } },
  };
}

/** The tiny model with the weights of `seed`. */
export function tinyModel(seed = 1): Model<HostTensor> {
  const config = tinyConfig();
  const random = seededRandom(seed);
  const { autoencoder, clip, captionDecoder, uvit } = modelSpecs(config);
  const weights = {
    autoencoder: initialise(autoencoder, random),
    clip: initialise(clip, random),
    captionDecoder: initialise(captionDecoder, random),
    uvit: initialise(uvit, random),
  };
  return { config, tokenizer: tinyTokenizer, weights };
}
