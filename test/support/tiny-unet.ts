/** A U-Net of a few thousand parameters that draws latents of the tiny model from the states of its text tower. */
import { float32, type HostTensor, isHostTensor } from '../../src/core/host-tensor.ts';
import { seededRandom } from '../../src/core/random.ts';
import { mapTree } from '../../src/core/tree.ts';
import { initialise } from '../../src/nn/params.ts';
import type { Model, ModelConfig } from '../../src/pipelines/index.ts';
import { type UnetConfig, unetSpec } from '../../src/unet/index.ts';
import { tinyModel } from './tiny-model.ts';

export function tinyUnet(): UnetConfig {
  const { autoencoder, clip } = tinyModel().config;
  const level = { width: 4, blocks: 1, down: 'none', up: 'none' } as const;
  return {
    inChannels: autoencoder.latentChannels,
    outChannels: autoencoder.latentChannels,
    levels: [level, { ...level, down: 'cross' }],
    mid: 'cross',
    contextWidth: clip.text.width,
    class: { kind: 'features', width: clip.text.width, map: 'mlp' },
    conditioning: 'scale-shift',
    normGroups: 2,
  };
}

/** The tiny model with a U-Net, which draws whatever it can unless told otherwise. */
export function tinyModelWithUnet(changes: Partial<NonNullable<ModelConfig['unet']>> = {}): Model<HostTensor> {
  const { config, weights, ...model } = tinyModel();
  const network = tinyUnet();
  return {
    ...model,
    config: {
      ...config,
      sampling: { ...config.sampling, order: 'text-first' },
      unet: {
        network,
        diffusion: { prediction: 'v', schedule: { kind: 'cosine' } },
        features: 'mean',
        sampling: { steps: 2, guidance: 1.5 },
        draws: ['t2i', 'joint', 'i', 'i2t2i', 'inpaint'],
        ...changes,
      },
    },
    weights: { ...weights, unet: tinyUnetWeights(network) },
  };
}

/** Fresh embeddings are small; these are larger, so that pictures depend visibly on texts. */
function tinyUnetWeights(network: UnetConfig) {
  const fresh = initialise(unetSpec(network), seededRandom(5));
  const larger = ({ shape, data }: HostTensor) =>
    float32(
      shape,
      Float32Array.from(data, value => 20 * value),
    );
  return { ...fresh, conditioning: mapTree(fresh.conditioning, isHostTensor, larger) as typeof fresh.conditioning };
}
