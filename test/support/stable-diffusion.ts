/** Sizes of the published Stable Diffusion networks. */
import type { AutoencoderConfig } from '../../src/autoencoder/index.ts';

/** Of all versions, and of UniDiffuser. */
export const stableDiffusionAutoencoder: AutoencoderConfig = {
  inChannels: 3,
  latentChannels: 4,
  channels: 128,
  channelMultipliers: [1, 2, 4, 4],
  blocksPerLevel: 2,
  normGroups: 32,
};
