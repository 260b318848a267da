/** The KL autoencoder: moments, a sampled latent, decoding; original and diffusers' names. */
import * as tf from '@tensorflow/tfjs';
import {
  type AutoencoderParams,
  autoencoderSpec,
  decode,
  encodeMoments,
  sampleLatent,
} from '../../../src/autoencoder/index.ts';
import {
  autoencoderConfigFrom,
  autoencoderConfigFromDiffusers,
  autoencoderLayoutOf,
  autoencoderRules,
  type DiffusersAutoencoder,
  type OriginalAutoencoder,
} from '../../../src/weights/names/autoencoder.ts';
import { compareOutputs, eachCase, type GoldenCase, runProgram } from '../harness.ts';
import { makeInputs } from '../tensors.ts';
import { makeParams, makeWeights } from '../weights.ts';

export const file = 'vae.json';

/** Latents are multiplied by this; the two layouts name it differently. */
function scaleOf({ scaling_factor, scale_factor }: GoldenCase['config']): number {
  return (scaling_factor ?? scale_factor ?? 0.18215) as number;
}

export const run = eachCase(async (golden, backend) => {
  const tensors = makeWeights(golden.weights!);
  const layout = autoencoderLayoutOf(Object.keys(tensors));
  const config =
    layout === 'original'
      ? autoencoderConfigFrom(golden.config as unknown as OriginalAutoencoder)
      : autoencoderConfigFromDiffusers(golden.config as unknown as DiffusersAutoencoder);
  const scale = scaleOf(golden.config);
  const params = await makeParams(autoencoderSpec(config), autoencoderRules(config, layout), tensors);
  const outputs = await runProgram<AutoencoderParams>(
    backend,
    ({ params, inputs }) => {
      const moments = encodeMoments(params, inputs['image']!, config);
      return {
        outputs: {
          moments: tf.concat([moments.mean, moments.logVariance], 1),
          latent: sampleLatent(moments, inputs['noise']!).mul(scale),
          decoded: decode(params, inputs['latent']!.div(scale), config),
        },
      };
    },
    params,
    {
      ...makeInputs(golden.inputs, { image: ['image', 'float32'], noise: ['noise', 'float32'] }),
      ...makeInputs(golden.inputs, { latent: ['latent', 'float32'] }),
    },
  );
  return compareOutputs(golden, outputs);
});
