/** Stable Diffusion (Rombach et al., arXiv 2112.10752), from folders as diffusers writes them. */
export type { Options as StableDiffusionOptions } from './calls/options.ts';
export type { StableDiffusionMode } from './calls/table.ts';
export type {
  DrawFromOptions,
  DrawnSample,
  DrawOptions,
  DrawResult,
  DrawSettings,
  PaintInput,
} from './calls/types.ts';
export { stableDiffusion } from './family.ts';
export { StableDiffusion } from './stable-diffusion.ts';
