/** What makes the pictures of a pass: the U-ViT, the U-Net, or the one after the other. */
import { solverOptions } from '../../../sampler/index.ts';
import type { DiffusionConfig } from '../diffusion-config.ts';
import type { ModelConfig } from '../model-config.ts';
import { countSteps, type SampleSettings, sampleGroups } from './sample-latents.ts';
import type { PassSettings, Sampler } from './sampler.ts';
import { sharedSampler } from './shared-sampler.ts';
import { countUnetSteps, sampleUnetGroups } from './unet-groups.ts';

/** @param network what makes the pass. @default 'uvit' */
export function samplerOf(
  network: 'unet' | 'uvit' | undefined,
  { diffusion, unet }: Pick<ModelConfig, 'diffusion' | 'unet'>,
): Sampler {
  const uvit = samplerBy(diffusion, countSteps, sampleGroups);
  if (network !== 'unet' || !unet) return uvit;
  const { finishesFrom = 1 } = unet;
  const finisher = samplerBy(unet.diffusion, countUnetSteps, sampleUnetGroups);
  return sharedSampler({ composer: uvit, finisher, finishesFrom });
}

function samplerBy(diffusion: DiffusionConfig, count: typeof countSteps, groups: typeof sampleGroups): Sampler {
  return {
    count: (tasks, settings) => count(diffusion, tasks, solvedBy(diffusion, settings)),
    groups: (networks, tasks, settings) => groups(networks, diffusion, tasks, solvedBy(diffusion, settings)),
  };
}

function solvedBy({ prediction }: DiffusionConfig, settings: PassSettings): SampleSettings {
  const { solver, noiseSchedule, ...others } = settings;
  const options = solverOptions(solver, noiseSchedule);
  const combinesV = options.kind === 'pndm' && prediction === 'v';
  return { ...others, solver: combinesV ? { ...options, combines: 'v' } : options };
}
