/**
 * How much a picture looks like what a model has learnt: how well the U-ViT takes a little noise off the picture's latent,
 * the caption being ignored. A denoiser restores what it was trained on and distorts the rest, so its error tells pictures
 * apart that it has not learnt (Graham et al., arXiv 2211.07740, section 3; they use more noise levels and the decoder). One
 * evaluation, about one fortieth of a description.
 */
import { addNoise, createSchedule, estimate } from '../../../sampler/index.ts';
import type { ModelConfig } from '../model-config.ts';
import type { Networks } from '../networks/networks.ts';
import type { ImageLatents } from './latents.ts';
import { ignoredTimestep } from './passes.ts';
import { seededNoise } from './run-noise.ts';

/** The same noise for all pictures: equal pictures get equal scores. */
const noiseSeed = 7;
/** Keeps the score of a perfect restoration finite: 100 dB. */
const leastError = 1e-10;

/**
 * The ratio of the unit variance of latents to the mean squared error of the restored z, in dB: the higher, the more familiar.
 * @param timestep of the noise that is added
 * @param counts which values of z count, of its length; at least one. @default all
 */
export async function measureFamiliarity(
  networks: Pick<Networks, 'shapes' | 'predict'>,
  { prediction, schedule }: ModelConfig['diffusion'],
  { z, c }: ImageLatents,
  timestep: number,
  options: Parameters<Networks['predict']>[1] & { readonly counts?: Uint8Array } = {},
): Promise<number> {
  const { counts, ...callOptions } = options;
  const level = createSchedule(schedule).at(timestep);
  const noise = seededNoise(noiseSeed, networks.shapes).start();
  const noised = { z: addNoise(z, noise.z, level), c: addNoise(c, noise.c, level), y: noise.y };
  const evaluation = { ...noised, tImage: level.t, tText: ignoredTimestep };
  const [output] = await networks.predict([evaluation], callOptions);
  const { x0 } = estimate(prediction, noised.z, output!.z, level);
  let error = 0;
  let counted = 0;
  for (const [i, value] of z.entries()) {
    if (counts?.[i] === 0) continue;
    error += (x0[i]! - value) ** 2;
    counted++;
  }
  return -10 * Math.log10(Math.max(error / counted, leastError));
}
