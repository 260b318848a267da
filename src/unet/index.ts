/** The convolutional U-Net of latent diffusion. */
export { reductionOf as unetReduction, type UnetConfig, type UnetLevel, unetConfigSchema } from './config.ts';
export { contextUnet } from './context-unet.ts';
export { type UnetInputs, type UnetParams, unet, unetSpec, unetStates } from './unet.ts';
