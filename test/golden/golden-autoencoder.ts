/** An autoencoder of a golden file with several networks. */
import { type AutoencoderConfig, autoencoderSpec } from '../../src/autoencoder/index.ts';
import {
  autoencoderConfigFromDiffusers,
  autoencoderLayoutOf,
  autoencoderRules,
  type DiffusersAutoencoder,
} from '../../src/weights/names/autoencoder.ts';
import type { GoldenNetwork } from './harness.ts';
import { makeParams, makeWeights } from './weights.ts';

export async function goldenAutoencoder({ config: theirs, weights }: GoldenNetwork) {
  const config: AutoencoderConfig = autoencoderConfigFromDiffusers(theirs as unknown as DiffusersAutoencoder);
  const tensors = makeWeights(weights);
  const rules = autoencoderRules(config, autoencoderLayoutOf(Object.keys(tensors)));
  return {
    config,
    params: await makeParams(autoencoderSpec(config), rules, tensors),
    /** Latents are multiplied by this. */
    scale: theirs['scaling_factor'] as number,
  };
}
