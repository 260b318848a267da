/**
 * The pass `t2i` by the U-Net: the same tasks and settings as of the U-ViT (sample-latents.ts), where texts are the states that
 * the U-Net looks at. Runs, and what start and mask mean, are those of Stable Diffusion (`denoise`).
 */
import { callOptions } from '../../../batching/batching-driver.ts';
import { DuetError } from '../../../core/errors.ts';
import { createGenerator, createSchedule } from '../../../sampler/index.ts';
import { countQueries, type DenoiseRequest } from '../../stable-diffusion/sampling/denoise.ts';
import { sampleGroups } from '../../stable-diffusion/sampling/sample-latents.ts';
import type { DiffusionConfig } from '../diffusion-config.ts';
import type { Networks, UnetNetworks } from '../networks/networks.ts';
import type { ImageLatents, LatentShapes } from './index.ts';
import { groupSize, type SampledGroup, type SampleSettings, type SampleTask } from './sample-latents.ts';

type RunSettings = Pick<SampleSettings, 'steps' | 'solver' | 'start' | 'known'>;

/** Network evaluations per sample and group, as `countSteps` counts those of the U-ViT. */
export function countUnetSteps(
  diffusion: DiffusionConfig,
  tasks: readonly SampleTask[],
  settings: RunSettings,
): number {
  return Math.ceil(tasks.length / groupSize) * countQueries(wayOf(diffusion, settings, tasks[0]));
}

/** Latents of all tasks, in order, group by group. */
export async function* sampleUnetGroups(
  networks: Networks,
  diffusion: DiffusionConfig,
  tasks: readonly SampleTask[],
  { onStep, ...settings }: SampleSettings,
): AsyncGenerator<SampledGroup, void> {
  const unet = unetOf(networks);
  const call = callOptions(settings);
  const isGuided = settings.guidance > 1;
  const negative = isGuided && (settings.negative?.text ?? (await unet.encodeTexts([''], call))[0]);
  const requests = tasks.map((task): DenoiseRequest => {
    const { seed, given } = task;
    const generator = createGenerator(seed);
    return {
      ...wayOf(diffusion, settings, task),
      size: sizeOf(networks.shapes),
      guidance: settings.guidance,
      context: given.text!, // the pass t2i is given one
      ...(negative && { negative }),
      draw: count => generator.randn(count),
    };
  });
  const tasksFrom = (first: number) => tasks.slice(first, first + groupSize);
  const groups = sampleGroups(unet, requests, {
    ...call,
    groupSize,
    ...(onStep && {
      onStep: ({ step, total, pictures: [first = 0], denoised }) =>
        onStep({
          first,
          tasks: tasksFrom(first),
          step,
          total,
          denoised: denoised.map(z => z && imageOf(z)),
          finishedPairs: 0,
        }),
    }),
  });
  for await (const { first, latents } of groups) {
    yield { first, tasks: tasksFrom(first), sampled: latents.map(imageOf) };
  }
}

function unetOf({ unet }: Networks): UnetNetworks {
  if (unet) return unet;
  throw new DuetError('invalid-argument', 'The model has no U-Net', { field: 'network' });
}

function sizeOf({ z: [channels = 0, height = 0, width = 0] }: LatentShapes): DenoiseRequest['size'] {
  return { channels, height, width };
}

/** How a sample comes from noise, or from what is given of it, to data. */
function wayOf(
  { prediction, schedule }: DiffusionConfig,
  { steps, solver, known, ...settings }: RunSettings,
  task?: SampleTask,
): Pick<DenoiseRequest, 'sampling' | 'steps' | 'latentScale' | 'start' | 'mask'> {
  const start = task?.start ?? settings.start;
  const kept = known?.z;
  const given = start?.latents.image?.z ?? kept?.values;
  const strength = start?.strength ?? 1;
  return {
    sampling: { schedule: createSchedule(schedule), prediction, solver },
    steps,
    latentScale: { factor: 1, shift: 0 }, // given latents are normalised already
    ...(given && (kept || strength < 1) && { start: { given: { latent: given }, strength } }),
    ...(kept && { mask: Float32Array.from(kept.mask, isKept => (isKept ? 0 : 1)) }),
  };
}

const none = new Float32Array(0);

/** The U-Net knows no embedding c of a picture: it is empty. */
function imageOf(z: Float32Array): { readonly image: ImageLatents } {
  return { image: { z, c: none } };
}
