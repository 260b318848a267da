/** Stage `joint`: the U-ViT, trained on the latents that the three earlier stages define. */
import { float32, type HostTensor } from '../../core/host-tensor.ts';
import { seededRandom } from '../../core/random.ts';
import { initialise } from '../../nn/params.ts';
import { cosine, type Schedule } from '../../sampler/index.ts';
import { uvitSpec } from '../../uvit/index.ts';
import type { JointStage, JointTraining } from '../config.ts';
import { gatherRows, type LatentTable } from '../data/latents.ts';
import { batchIndices, captionBatch, type PairSource } from '../data/source.ts';
import type { Stage } from '../loop.ts';
import { jointObjective } from '../objectives/joint.ts';
import { type RandomStream, randomStream } from '../random.ts';
import { drawTimesteps, mixAt, type Timesteps } from '../timesteps.ts';
import { openSource, type StageContext } from './context.ts';
import { modelFolder, writeJointModel } from './joint-model.ts';
import {
  imageLatents,
  type JointParts,
  type LatentStatisticsTable,
  latentStatistics,
  loadJointParts,
  textEncoder,
} from './joint-parts.ts';
import { type JointPreview, jointPreview } from './joint-preview.ts';

export async function jointStage(config: JointStage, context: StageContext): Promise<Stage> {
  const parts = await loadJointParts(config);
  const source = await openSource(config.data, context);
  const latents = await imageLatents(parts, source, context);
  const statistics = await latentStatistics(parts, source, latents, context);
  return {
    config,
    initialParams: initialise(uvitSpec(config.model), seededRandom(config.seed)),
    ...jointTraining(config, { parts, source, latents, statistics, schedule: cosine() }, context),
    save: (ema, out) => writeJointModel(out, ema, config, parts, statistics),
    result: modelFolder,
  };
}

/** What the U-ViT learns from. */
export interface JointMaterial {
  readonly parts: JointParts;
  readonly source: PairSource;
  readonly latents: LatentTable;
  readonly statistics: LatentStatisticsTable;
  /** Noise levels by network time. */
  readonly schedule: Schedule;
}

/** The part of a stage that is the same whether the U-ViT is new or finished. */
export function jointTraining(
  config: JointTraining,
  { parts, source, latents, statistics, schedule }: JointMaterial,
  context: StageContext,
): Pick<Stage, 'objective' | 'frozen' | 'batch'> & JointPreview {
  return {
    ...jointPreview(config, parts, statistics, context, schedule),
    objective: jointObjective(config, parts.clip.config.model.text),
    frozen: textEncoder(parts, statistics.text),
    batch: async step => {
      const indices = batchIndices(config.seed, step, config.batch, source.size);
      const random = randomStream(config.seed, 'noise', step);
      const mix = mixAt(config.curriculum, step / config.steps);
      const inputs = {
        ...cleanLatents(latents, statistics, indices, config, random),
        ...noiseInputs(config, random),
      };
      const times = drawTimesteps(mix, config.batch, random);
      const captions = captionsToLearn(source, indices, times, captionBatch(source, indices, config.seed, step));
      return {
        ids: parts.tokenizer.frameBatch(captions, config.model.textTokens),
        ...inputs,
        ...timeInputs(times, schedule, config.prediction),
      };
    },
  };
}

/**
 * Where the text is given, any wording of `varied`, since users have many; where it is to be predicted, the canonical
 * one: which of many wordings is meant no picture tells, and the network would learn their mean.
 */
function captionsToLearn(
  source: PairSource,
  indices: readonly number[],
  times: Timesteps,
  varied: readonly string[],
): string[] {
  return varied.map((caption, row) =>
    times.text[row] === 0 ? caption : (source.canonicalCaption?.(indices[row]!) ?? caption),
  );
}

/** Image latents sampled from their posterior and CLIP embeddings, both normalised. */
function cleanLatents(
  latents: LatentTable,
  statistics: LatentStatisticsTable,
  indices: readonly number[],
  { batch, model }: JointTraining,
  random: RandomStream,
): Record<string, HostTensor> {
  const plane = model.latentSize ** 2;
  const image = gatherRows(latents['mean']!, indices);
  const spread = gatherRows(latents['std']!, indices);
  const noise = random.normal(image.length);
  for (let i = 0; i < image.length; i++) {
    const channel = Math.floor(i / plane) % model.latentChannels;
    const sampled = image[i]! + spread[i]! * noise[i]!;
    image[i] = (sampled - statistics.image.mean[channel]!) / statistics.image.std[channel]!;
  }
  const clip = gatherRows(latents['clip']!, indices);
  for (let i = 0; i < clip.length; i++) {
    const channel = i % model.clipDim;
    clip[i] = (clip[i]! - statistics.clip.mean[channel]!) / statistics.clip.std[channel]!;
  }
  return {
    image: float32([batch, model.latentChannels, model.latentSize, model.latentSize], image),
    clip: float32([batch, 1, model.clipDim], clip),
  };
}

/** Standard normal noise for the three parts. */
function noiseInputs({ batch, model }: JointTraining, random: RandomStream): Record<string, HostTensor> {
  const { latentChannels, latentSize, clipDim, textTokens, textDim } = model;
  const normal = (...shape: number[]): HostTensor =>
    float32(shape, random.normal(shape.reduce((product, side) => product * side, 1)));
  return {
    imageNoise: normal(batch, latentChannels, latentSize, latentSize),
    clipNoise: normal(batch, 1, clipDim),
    textNoise: normal(batch, textTokens, textDim),
  };
}

/** Most that the loss on the data itself is raised where little noise is left. */
const mostRaised = 10;

/**
 * Network times, noise levels and loss weights of a batch; see `jointObjective`. Weights are one over the number of
 * samples that count; those of `sample` prediction are raised by 1 / sigma^2, up to {@link mostRaised}: an error of the
 * data then counts as the error of v that it is (Salimans and Ho 2022, section 4, "SNR + 1").
 */
export function timeInputs(
  times: Timesteps,
  schedule: Schedule,
  prediction: JointTraining['prediction'],
): Record<string, HostTensor> {
  const inputs: Record<string, HostTensor> = {};
  for (const modality of ['image', 'text'] as const) {
    const t = times[modality];
    const vector = (of: (t: number) => number): HostTensor => float32([t.length], Float32Array.from(t, of));
    // Neither a clean nor an ignored part is ever predicted in sampling.
    const counted = t.filter(value => value > 0 && value < 1).length;
    inputs[`${modality}Time`] = vector(value => 1000 * value);
    inputs[`${modality}Alpha`] = vector(value => noiseLevel(value, schedule).alpha);
    inputs[`${modality}Sigma`] = vector(value => noiseLevel(value, schedule).sigma);
    const raised = (value: number): number =>
      prediction === 'sample' ? Math.min(mostRaised, 1 / noiseLevel(value, schedule).sigma ** 2) : 1;
    inputs[`${modality}Weight`] = vector(value => (value > 0 && value < 1 ? raised(value) / counted : 0));
  }
  return inputs;
}

function noiseLevel(t: number, schedule: Schedule): { readonly alpha: number; readonly sigma: number } {
  if (t === 0) return { alpha: 1, sigma: 0 };
  return t >= 1 ? { alpha: 0, sigma: 1 } : schedule.at(1000 * t);
}
