/**
 * The U-Net of a model, for contexts that another network makes. A context takes the place of the text states [L, X] that the
 * U-Net was trained with: L = `textTokens` vectors of the text tower's width X. None is masked: all are attended to, and class
 * features are the mean of all L, as in training, where the states behind a caption's end counted too.
 */
import { downsamplingFactor } from '../../autoencoder/index.ts';
import { createSchedule } from '../../sampler/index.ts';
import { type ContextDrawer, contextDrawer } from '../context-drawer.ts';
import type { SamplingRules } from '../stable-diffusion/calls/requests.ts';
import { standards } from './calls/options.ts';
import { solverOf } from './calls/requests.ts';
import type { ModelConfig } from './model-config.ts';
import type { UnetNetworks } from './networks/networks.ts';
import type { ModelUnet } from './unet-config.ts';

/** @param networks those of the U-Net `unet` of the model whose configuration is `config` */
export function unetDrawing(config: ModelConfig, unet: ModelUnet, networks: UnetNetworks): ContextDrawer {
  const { textTokens, autoencoder, imageSize, name } = config;
  return contextDrawer({
    config: { name, imageSize, isInpainting: false, latentScale: { factor: 1, shift: 0 }, unet: unet.network },
    networks: {
      latentChannels: autoencoder.latentChannels,
      reduction: downsamplingFactor(autoencoder),
      predict: networks.predict,
      decodeImages: networks.decodeImages,
    },
    textTokens,
    rulesOf: () => rulesOf(unet),
  });
}

function rulesOf({ sampling, diffusion }: ModelUnet): SamplingRules {
  const { n, noiseSchedule: even, strength } = standards;
  const defaults = { n, strength, guidanceRescale: 0, solver: standards.solver, ...sampling };
  return {
    defaults,
    schedulerOf: ({ solver = defaults.solver, noiseSchedule = even }) => ({
      schedule: createSchedule(diffusion.schedule),
      prediction: diffusion.prediction,
      solver: solverOf({ solver, noiseSchedule }, diffusion),
    }),
  };
}
