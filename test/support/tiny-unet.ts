/** A U-Net of a few thousand parameters that draws latents of the tiny model from the states of its text tower. */
import type { UnetConfig } from '../../src/unet/index.ts';
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
