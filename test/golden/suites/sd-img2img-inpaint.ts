/**
 * Sampling with Stable Diffusion in latents: text to image, image to image, inpainting with four and with nine channels, with
 * the schedulers of diffusers. All noises are written down, so runs must pass the recorded timesteps and end where the
 * recorded ones did. Networks are listed once per file.
 */
import type { DenoiseRequest } from '../../../src/pipelines/stable-diffusion/sampling/denoise.ts';
import { pipelineScheduler } from '../../../src/pipelines/stable-diffusion/scheduler.ts';
import type { Scheduler } from '../../../src/sampler/index.ts';
import { type CaseResult, compare } from '../compare.ts';
import { compileGoldenUnet, type FollowedDenoising, followDenoising, type GoldenUnet } from '../golden-unet.ts';
import { type GoldenBackend, type GoldenCase, type GoldenFile, networkOf } from '../harness.ts';
import { readTensor } from '../tensors.ts';

export const file = 'sd-img2img-inpaint.json';

interface Config {
  readonly mode: 'text2img' | 'img2img' | 'inpaint' | 'inpaint-legacy';
  readonly scheduler: { readonly class: string; readonly config: Readonly<Record<string, unknown>> };
  readonly steps: number;
  readonly guidance_scale: number;
  readonly strength?: number;
  readonly eta?: number;
  readonly guidance_rescale?: number;
}

export async function run(golden: GoldenFile, backend: GoldenBackend): Promise<CaseResult[]> {
  const compiled = new Map<string, GoldenUnet>();
  try {
    const results: CaseResult[] = [];
    for (const item of golden.cases) {
      const { unet: name } = item['networks'] as { readonly unet: string };
      const own = compiled.get(name) ?? (await compileGoldenUnet(networkOf(golden, item, 'unet'), backend));
      compiled.set(name, own);
      results.push(...(await runCase(item, own)));
    }
    return results;
  } finally {
    for (const { executable } of compiled.values()) await executable.release();
  }
}

async function runCase(golden: GoldenCase, network: GoldenUnet): Promise<CaseResult[]> {
  const requests = requestsOf(golden);
  const runs = await Promise.all(requests.map(request => followDenoising(request, network)));
  const { timesteps, first_step: first, latents } = golden.outputs;
  const shape = [runs.length, ...Object.values(requests[0]!.size)];
  const whole = (of: (run: FollowedDenoising) => Float32Array) => ({ shape, data: runs.flatMap(run => [...of(run)]) });
  const { sampling } = requests[0]!;
  const check = (name: string, got: { shape?: readonly number[]; data: ArrayLike<number> }, expected: unknown) =>
    compare(`${golden.name} / ${name}`, got, expected, golden.tolerance);
  return [
    check('timesteps', { data: runs[0]!.timesteps }, timesteps),
    check(
      'first_step',
      whole(({ states, timesteps }) => (states.length > 1 ? scaled(states[0]!, timesteps[1]!, sampling) : states[0]!)),
      first,
    ),
    check(
      'latents',
      whole(({ latent }) => latent),
      latents,
    ),
  ];
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
