/**
 * Sampling with Stable Diffusion in latents: text to image, image to image, inpainting with four and with nine channels, with
 * the schedulers of diffusers. All noises are written down, so runs must pass the recorded timesteps and end where the
 * recorded ones did. Networks are listed once per file.
 */
import { compile, type Executable } from '../../../src/engine/index.ts';
import { type DenoiseRequest, denoise } from '../../../src/pipelines/stable-diffusion/sampling/denoise.ts';
import { pipelineScheduler } from '../../../src/pipelines/stable-diffusion/scheduler.ts';
import type { Scheduler } from '../../../src/sampler/index.ts';
import { type UnetConfig, type UnetParams, unet, unetSpec } from '../../../src/unet/index.ts';
import { type DiffusersUnet, unetConfigFromDiffusers, unetRules } from '../../../src/weights/names/unet.ts';
import { type CaseResult, compare } from '../compare.ts';
import type { GoldenBackend, GoldenCase, GoldenFile } from '../harness.ts';
import { readTensor } from '../tensors.ts';
import { makeParams, makeWeights, type WeightRecipe } from '../weights.ts';

export const file = 'sd-img2img-inpaint.json';

interface Network {
  readonly config: unknown;
  readonly weights: WeightRecipe;
}

interface Config {
  readonly mode: 'text2img' | 'img2img' | 'inpaint' | 'inpaint-legacy';
  readonly scheduler: { readonly class: string; readonly config: Readonly<Record<string, unknown>> };
  readonly steps: number;
  readonly guidance_scale: number;
  readonly strength?: number;
  readonly eta?: number;
  readonly guidance_rescale?: number;
}

interface Unet {
  readonly config: UnetConfig;
  readonly executable: Executable;
}

export async function run(golden: GoldenFile, backend: GoldenBackend): Promise<CaseResult[]> {
  const { networks } = golden as GoldenFile & { readonly networks: Readonly<Record<string, Network>> };
  const compiled = new Map<string, Unet>();
  try {
    const results: CaseResult[] = [];
    for (const item of golden.cases) {
      const { unet: name } = item['networks'] as { readonly unet: string };
      const own = compiled.get(name) ?? (await compileUnet(networks[name]!, backend));
      compiled.set(name, own);
      results.push(...(await runCase(item, own)));
    }
    return results;
  } finally {
    for (const { executable } of compiled.values()) await executable.release();
  }
}

async function runCase(golden: GoldenCase, network: Unet): Promise<CaseResult[]> {
  const requests = requestsOf(golden);
  const runs = await Promise.all(requests.map(request => follow(request, network)));
  const { timesteps, first_step: first, latents } = golden.outputs;
  const shape = [runs.length, ...Object.values(requests[0]!.size)];
  const whole = (of: (run: Followed) => Float32Array) => ({ shape, data: runs.flatMap(run => [...of(run)]) });
  const check = (name: string, got: { shape?: readonly number[]; data: ArrayLike<number> }, expected: unknown) =>
    compare(`${golden.name} / ${name}`, got, expected, golden.tolerance);
  return [
    check('timesteps', { data: runs[0]!.timesteps }, timesteps),
    check(
      'first_step',
      whole(({ second }) => second),
      first,
    ),
    check(
      'latents',
      whole(({ latent }) => latent),
      latents,
    ),
  ];
}

interface Followed {
  readonly timesteps: readonly number[];
  /** The state after the first step, as diffusers' scheduler has it. */
  readonly second: Float32Array;
  readonly latent: Float32Array;
}

async function follow(request: DenoiseRequest, { config, executable }: Unet): Promise<Followed> {
  const timesteps: number[] = [];
  let second: Float32Array | undefined;
  const denoising = denoise(request);
  let turn = denoising.next();
  while (!turn.done) {
    const { evaluations, index } = turn.value;
    const { timestep, sample } = evaluations[0]!;
    timesteps.push(timestep);
    const state = sample.data.slice(0, request.size.channels * sample.height * sample.width);
    if (index === 1) second = scaled(state, timestep, request.sampling);
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
  return { timesteps, second: second ?? turn.value, latent: turn.value };
}

/** Our states keep their variance; schedulers that speak of sigmas have x / alpha. */
function scaled(x: Float32Array, timestep: number, { schedule, solver }: Scheduler): Float32Array {
  if (!['euler', 'euler-ancestral', 'heun'].includes(solver.kind)) return x;
  const { alpha } = schedule.at(timestep);
  return x.map(value => value / alpha);
}

function requestsOf(golden: GoldenCase): DenoiseRequest[] {
  const config = golden.config as unknown as Config;
  const { inputs } = golden;
  const tensor = (name: string) => (inputs[name] === undefined ? undefined : readTensor(inputs[name], 'float32', name));
  const sampling = samplingOf(config);
  const prompts = tensor('prompt_embeds')!;
  const rows = prompts.shape[0]!;
  const row = (name: string, index: number) => {
    const whole = tensor(name);
    if (!whole) return undefined;
    const own = whole.shape[0] === rows ? index : 0;
    const size = whole.data.length / whole.shape[0]!;
    return (whole.data as Float32Array).slice(own * size, (own + 1) * size);
  };
  const noises = ((inputs['noises'] ?? []) as readonly unknown[]).map(noise => readTensor(noise).data as Float32Array);
  const shape = (tensor('latents') ?? tensor('image_latents'))!.shape as [number, number, number, number];
  return Array.from({ length: rows }, (_, index): DenoiseRequest => {
    // Text to image is given its first noise by itself.
    const own = config.mode === 'text2img' ? [row('latents', index)!] : [];
    const drawn = [
      ...own,
      ...noises.map(noise => noise.slice((index * noise.length) / rows, ((index + 1) * noise.length) / rows)),
    ];
    const [image, mask, masked] = [row('image_latents', index), row('mask', index), row('masked_image_latents', index)];
    const negative = row('negative_prompt_embeds', index);
    return {
      size: { channels: shape[1], height: shape[2], width: shape[3] },
      sampling,
      steps: config.steps,
      guidance: config.guidance_scale,
      guidanceRescale: config.guidance_rescale ?? 0,
      context: row('prompt_embeds', index)!,
      ...(negative && { negative }),
      draw: () => drawn.shift() ?? fail(`${golden.name}: more noise was drawn than was recorded`),
      latentScale: { factor: 1, shift: 0 },
      ...(image && { start: { given: { latent: image }, strength: config.strength ?? 1 } }),
      ...(mask && { mask }),
      ...(masked && { masked: { latent: masked } }),
      ...(config.mode === 'inpaint-legacy' && { keptLevel: 'done' }),
    };
  });
}

function samplingOf({ mode, scheduler, eta }: Config): Scheduler {
  const own = { text2img: 't2i', img2img: 'i2t2i', inpaint: 'inpaint', 'inpaint-legacy': 'inpaint' } as const;
  const config = { _class_name: scheduler.class, ...scheduler.config };
  const read = pipelineScheduler(config, own[mode], 'the golden file');
  if (eta === undefined || read.solver.kind !== 'ddim') return read;
  return { ...read, solver: { ...read.solver, eta } };
}

function fail(message: string): never {
  throw new Error(message);
}

async function compileUnet({ config: theirs, weights }: Network, backend: GoldenBackend): Promise<Unet> {
  const config = unetConfigFromDiffusers(theirs as DiffusersUnet);
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
    { device: backend, name: 'golden-sd', threads: 1 },
  );
  return { config, executable };
}
