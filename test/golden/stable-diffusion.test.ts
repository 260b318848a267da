/** A Stable Diffusion folder, written and run by the real libraries: expected-sd15.json. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AutoencoderParams, decode, encodeMoments } from '../../src/autoencoder/index.ts';
import { compile } from '../../src/engine/index.ts';
import { readDiffusersFolder } from '../../src/pipelines/diffusers-folder.ts';
import { parseStableDiffusion } from '../../src/pipelines/stable-diffusion/model-config.ts';
import { type Model, readModel } from '../../src/pipelines/stable-diffusion/model-folder.ts';
import { CompiledNetworks } from '../../src/pipelines/stable-diffusion/networks/compiled-networks.ts';
import { sampleLatents } from '../../src/pipelines/stable-diffusion/sampling/sample-latents.ts';
import { pipelineScheduler } from '../../src/pipelines/stable-diffusion/scheduler.ts';
import { compare } from './compare.ts';
import { goldenFolder } from './harness.ts';
import { readTensor } from './tensors.ts';

interface Expected {
  readonly inputs: {
    readonly prompts: readonly string[];
    readonly latents: unknown;
    readonly image: unknown;
    readonly steps: number;
    readonly guidance_scale: number;
  };
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly tolerance: { readonly atol: number; readonly rtol: number };
}

const folder = join(goldenFolder(), 'checkpoints');
const expected = JSON.parse(await readFile(join(folder, 'expected-sd15.json'), 'utf8')) as Expected;
const { inputs, outputs, tolerance } = expected;

describe.each(['cpu', 'reference'] as const)('on %s', device => {
  let model: Model;
  let networks: CompiledNetworks;
  beforeAll(async () => {
    const path = join(folder, 'sd15-diffusers');
    model = await readModel(path, parseStableDiffusion(await readDiffusersFolder(path), path));
    networks = await CompiledNetworks.create(model, { device, threads: 1 });
  });
  afterAll(() => networks.release());

  const check = (name: string, data: ArrayLike<number>, limits = tolerance) => {
    expect(compare(name, { data }, outputs[name], limits)).toMatchObject({ pass: true });
  };
  const values = (recipe: unknown) => readTensor(recipe).data as Float32Array;

  it('reads prompts', async () => {
    const ids = networks.tokenizer.frameBatch(inputs.prompts, model.textTokens);
    check('input_ids', ids.data, { atol: 0, rtol: 0 });
    const states = await networks.encodeTexts(inputs.prompts, {});
    check('embeds', Float32Array.from(states.flatMap(own => [...own])));
  });

  it('predicts noise, and samples with the scheduler of the folder', async () => {
    const [context, negative] = await networks.encodeTexts(inputs.prompts.slice(0, 2), {});
    const latents = values(inputs.latents);
    const sample = { data: latents, height: 8, width: 8 };
    const [predicted] = await networks.predict([{ sample, timestep: 801, context: context!, guidance: 1 }], {});
    check('unet', predicted!);
    const { latentScale } = model.config;
    const request = {
      size: { channels: 4, height: 8, width: 8 },
      sampling: pipelineScheduler(model.config.scheduler, 't2i', 'scheduler'),
      steps: inputs.steps,
      guidance: inputs.guidance_scale,
      context: context!,
      negative: negative!,
      draw: () => latents,
      latentScale,
    };
    const [sampled] = await sampleLatents(networks, [request], {});
    check('latents', sampled!);
  });

  it('decodes and encodes', async () => {
    const { config, weights } = model;
    const program = await compile<AutoencoderParams, undefined>(
      ({ params, inputs }) => {
        const { mean, logVariance } = encodeMoments(params, inputs['image']!, config.autoencoder);
        const decoded = decode(params, inputs['z']!.div(config.latentScale.factor), config.autoencoder);
        return { outputs: { mean, logVariance, decoded } };
      },
      {
        params: weights.autoencoder,
        inputs: { image: { dtype: 'float32', shape: [1, 3, 64, 64] }, z: { dtype: 'float32', shape: [1, 4, 8, 8] } },
      },
      { device, threads: 1 },
    );
    const made = await program.run({ image: readTensor(inputs.image), z: readTensor(outputs['latents']) });
    await program.release();
    check('moments_mean', made['mean']!.data);
    check('moments_logvar', made['logVariance']!.data);
    const every8th = made['decoded']!.data.filter((_, i) => i % 8 === 0 && Math.floor(i / 64) % 8 === 0);
    check('decoded_every_8th', every8th);
  });
});
