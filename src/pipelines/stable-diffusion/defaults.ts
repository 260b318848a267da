/** What calls take where nothing is asked: diffusers' defaults, or what a distilled model was made for. */
import { commonStandards } from '../common-options.ts';
import type { StableDiffusionMode } from './calls/table.ts';
import type { StableDiffusionConfig } from './model-config.ts';
import { schedulerNames } from './scheduler.ts';

interface Sampling {
  readonly steps: number;
  readonly guidance: number;
}

const standard: Sampling = { steps: 50, guidance: 7.5 };
/** Latent consistency models (Luo et al., arXiv 2310.04378); one that is told the scale was made for several. */
const consistency: Sampling = { steps: 4, guidance: 1 };
const toldConsistency: Sampling = { steps: 4, guidance: 8.5 };
/** Stable Diffusion Turbo: one step, without guidance (Sauer et al., arXiv 2311.17042). */
const turbo: Sampling = { steps: 1, guidance: 1 };

const standardStrength = { t2i: 1, i2t2i: 0.8, inpaint: 1 } as const satisfies Record<StableDiffusionMode, number>;

/** The values of options that are not given. @throws DuetError 'invalid-config' naming `origin` if the scheduler is not known */
export function defaultsOf(mode: StableDiffusionMode, config: StableDiffusionConfig, origin: string) {
  const { imageSize } = config;
  return {
    ...commonStandards,
    ...samplingOf(config),
    ...schedulerNames(config.scheduler, `${origin}/scheduler`),
    width: imageSize,
    height: imageSize,
    guidanceRescale: 0,
    strength: standardStrength[mode],
  };
}

/** Distilled models say what they are by their scheduler; Turbo by an Euler scheduler with trailing timesteps. */
function samplingOf({ scheduler, unet }: StableDiffusionConfig): Sampling {
  const { _class_name: name, timestep_spacing: spacing, prediction_type: prediction = 'epsilon' } = scheduler;
  if (unet.guidanceWidth !== undefined) return toldConsistency;
  if (name === 'LCMScheduler') return consistency;
  const isEuler = name === 'EulerDiscreteScheduler' || name === 'EulerAncestralDiscreteScheduler';
  const startsInNoise = scheduler['rescale_betas_zero_snr'] === true;
  return isEuler && spacing === 'trailing' && prediction === 'epsilon' && !startsInNoise ? turbo : standard;
}
