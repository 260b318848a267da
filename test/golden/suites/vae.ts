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
  type ForeignAutoencoder,
} from '../../../src/weights/names/autoencoder.ts';
import { paramsFromRules } from '../../../src/weights/names/name-map.ts';
import {
  type CaseResult,
  compare,
  type GoldenBackend,
  type GoldenCase,
  type GoldenFile,
  makeInputs,
  makeWeights,
  runProgram,
} from '../harness.ts';

export const file = 'vae.json';

/** Latents are multiplied by this; the two layouts name it differently. */
function scaleOf({ scaling_factor, scale_factor }: GoldenCase['config']): number {
  return (scaling_factor ?? scale_factor ?? 0.18215) as number;
}

async function runCase(golden: GoldenCase, backend: GoldenBackend): Promise<CaseResult[]> {
  const tensors = makeWeights(golden.weights!);
  const layout = autoencoderLayoutOf(Object.keys(tensors));
  const config =
    layout === 'original'
      ? autoencoderConfigFrom(golden.config as unknown as ForeignAutoencoder)
      : autoencoderConfigFromDiffusers(golden.config as unknown as DiffusersAutoencoder);
  const scale = scaleOf(golden.config);
  const params = paramsFromRules(autoencoderSpec(config), autoencoderRules(config, layout), name => tensors[name]);
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
    makeInputs(golden, { image: 'image', noise: 'noise', latent: 'latent' }),
  );
  return Object.entries(golden.outputs).map(([name, expected]) =>
    compare(`${golden.name} / ${name}`, outputs[name]!, expected, golden.tolerance),
  );
}

export async function run({ cases }: GoldenFile, backend: GoldenBackend): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  for (const golden of cases) results.push(...(await runCase(golden, backend)));
  return results;
}
