/** A U-Net of a golden file with several networks, and a picture that is drawn with it step by step. */
import { compile, type Executable } from '../../src/engine/index.ts';
import { type DenoiseRequest, denoise } from '../../src/pipelines/stable-diffusion/sampling/denoise.ts';
import { type UnetConfig, type UnetParams, unet, unetSpec } from '../../src/unet/index.ts';
import { type DiffusersUnet, unetConfigFromDiffusers, unetRules } from '../../src/weights/names/unet.ts';
import type { GoldenBackend, GoldenNetwork } from './harness.ts';
import { makeParams, makeWeights } from './weights.ts';

export interface GoldenUnet {
  readonly config: UnetConfig;
  readonly executable: Executable;
}

export async function compileGoldenUnet(
  { config: theirs, weights }: GoldenNetwork,
  backend: GoldenBackend,
): Promise<GoldenUnet> {
  const config = unetConfigFromDiffusers(theirs as unknown as DiffusersUnet);
  const params = await makeParams(unetSpec(config), unetRules(config), makeWeights(weights));
  const executable = await compile<UnetParams, undefined>(
    ({ params, inputs }) => {
      const { sample, time, context } = inputs;
      return { outputs: { out: unet(params, { sample: sample!, time: time!, context }, config) } };
    },
    {
      params,
      inputs: {
        sample: { dtype: 'float32', shape: ['batch', config.inChannels, 'height', 'width'] },
        time: { dtype: 'float32', shape: ['batch'] },
        context: { dtype: 'float32', shape: ['batch', 'length', config.contextWidth!] },
      },
    },
    { device: backend, name: 'golden-unet', threads: 1 },
  );
  return { config, executable };
}

export interface FollowedDenoising {
  /** Of each evaluation. */
  readonly timesteps: readonly number[];
  /** After each evaluation; the last is the latent. */
  readonly states: readonly Float32Array[];
  readonly latent: Float32Array;
}

/** Runs a request alone, evaluation by evaluation. */
export async function followDenoising(
  request: DenoiseRequest,
  { config, executable }: GoldenUnet,
): Promise<FollowedDenoising> {
  const timesteps: number[] = [];
  const states: Float32Array[] = [];
  const denoising = denoise(request);
  let turn = denoising.next();
  while (!turn.done) {
    const { evaluations, index } = turn.value;
    const { timestep, sample } = evaluations[0]!;
    timesteps.push(timestep);
    if (index > 0) states.push(sample.data.slice(0, request.size.channels * sample.height * sample.width));
    const predictions: Float32Array[] = [];
    for (const { sample, context } of evaluations) {
      const { out } = await executable.run({
        sample: {
          dtype: 'float32',
          shape: [1, config.inChannels, sample.height, sample.width],
          data: sample.data,
        },
        time: { dtype: 'float32', shape: [1], data: Float32Array.of(timestep) },
        context: {
          dtype: 'float32',
          shape: [1, context.length / config.contextWidth!, config.contextWidth!],
          data: context,
        },
      });
      predictions.push(out!.data as Float32Array);
    }
    turn = denoising.next(predictions);
  }
  return { timesteps, states: [...states, turn.value], latent: turn.value };
}
