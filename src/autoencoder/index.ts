/** The KL autoencoder: pixels to latents and back. */
export {
  type AutoencoderParams,
  autoencoderSpec,
  decode,
  encodeMoments,
  sampleLatent,
} from './autoencoder.ts';
export { type AutoencoderConfig, autoencoderConfigSchema, downsamplingFactor } from './config.ts';
