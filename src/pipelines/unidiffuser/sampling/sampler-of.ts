/** The two networks that draw pictures, in one form. */
import type { DiffusionConfig } from '../diffusion-config.ts';
import type { ModelConfig } from '../model-config.ts';
import { countSteps, sampleGroups } from './sample-latents.ts';
import { countUnetSteps, sampleUnetGroups } from './unet-groups.ts';

/** How a network samples. */
interface Sampler {
  readonly diffusion: DiffusionConfig;
  readonly count: typeof countSteps;
  readonly groups: typeof sampleGroups;
}

export function samplerOf(
  network: 'unet' | 'uvit' | undefined,
  { diffusion, unet }: Pick<ModelConfig, 'diffusion' | 'unet'>,
): Sampler {
  if (network !== 'unet' || !unet) return { diffusion, count: countSteps, groups: sampleGroups };
  return { diffusion: unet.diffusion, count: countUnetSteps, groups: sampleUnetGroups };
}
