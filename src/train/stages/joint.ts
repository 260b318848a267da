/** Stage `joint`: the U-ViT, trained on the latents that the three earlier stages define. */
import { createTokenizer } from '../../clip/index.ts';
import { float32, type HostTensor } from '../../core/host-tensor.ts';
import { seededRandom } from '../../core/random.ts';
import { fillParams, initialise } from '../../nn/params.ts';
import type { ModelConfig } from '../../pipelines/unidiffuser/model-config.ts';
import type { Model } from '../../pipelines/unidiffuser/model-folder.ts';
import { normaliseLatent } from '../../pipelines/unidiffuser/networks/normalise-latents.ts';
import { createSchedule, type Schedule } from '../../sampler/index.ts';
import { jointUvitSpec } from '../../uvit/index.ts';
import type { JointStage, JointTraining } from '../config.ts';
import { gatherRows, type LatentTable } from '../data/latents.ts';
import { batchIndices, captionBatch, type PairSource } from '../data/source.ts';
import type { Averages } from '../evaluation.ts';
import type { Stage } from '../loop.ts';
import { jointObjective } from '../objectives/joint.ts';
import { type RandomStream, randomStream } from '../random.ts';
import { drawTimesteps, mixAt, type Timesteps } from '../timesteps.ts';
import { type BaseModel, modelFolder, saveTrainedModel } from './base-model.ts';
import { openSource, type StageContext } from './context.ts';
import {
  type FrozenNetworks,
  imageLatents,
  latentStatistics,
  loadFrozenNetworks,
  sampledImages,
  textEncoder,
} from './frozen-networks.ts';
import { jointValidation } from './joint-validation.ts';

export async function jointStage(config: JointStage, context: StageContext): Promise<Stage> {
  const networks = await loadFrozenNetworks(config);
  const source = await openSource(config.data, context);
  const latents = await imageLatents(networks, source, context);
  const statistics = await latentStatistics(networks, source, latents, context);
  const base = { ...networks, config: modelConfig(config, networks, statistics) };
  return {
    config,
    initialParams: initialise(jointUvitSpec(config.model), seededRandom(config.seed)),
    ...jointTraining(config, { base, source, latents }, context),
  };
}

/** Initial guidance and steps, before evaluation chooses better ones. */
const sampling: ModelConfig['sampling'] = { steps: 20, guidance: { t2i: 3, i2t: 3, joint: 2 } };

/** The config.json of the model that the stage makes. */
function modelConfig(config: JointStage, networks: FrozenNetworks, latents: ModelConfig['latents']): ModelConfig {
  return {
    format: 'duet-model-1',
    family: 'unidiffuser',
    name: config.name,
    imageSize: config.data.size,
    textTokens: config.model.textTokens,
    ...networks.config,
    uvit: config.model,
    diffusion: { prediction: config.prediction, schedule: { kind: 'cosine' } },
    latents,
    sampling,
  };
}

/** The data and networks that the U-ViT is trained with. */
export interface JointStageInputs {
  /** The finished networks, with statistics of their latents and the schedule of noise levels. */
  readonly base: BaseModel;
  readonly source: PairSource;
  readonly latents: LatentTable;
}

/** The part of a stage that is the same whether the U-ViT is new or finished. */
export function jointTraining(
  config: JointTraining & Pick<JointStage, 'name'>,
  { base, source, latents }: JointStageInputs,
  context: StageContext,
): Pick<Stage, 'objective' | 'frozen' | 'batch' | 'sample' | 'save' | 'result'> {
  const { latents: statistics, diffusion, clip } = base.config;
  const schedule = createSchedule(diffusion.schedule);
  const tokenizer = createTokenizer(base.tokenizer);
  const withUvit = (ema: Averages): Model<HostTensor> => {
    const uvit = fillParams(jointUvitSpec(config.model), ema, 'the averaged parameters');
    return { ...base, weights: { ...base.weights, uvit } };
  };
  const validation = jointValidation(config.data, context);
  return {
    objective: jointObjective(config, clip.text),
    frozen: textEncoder(base, statistics.text),
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
        ids: tokenizer.frameBatch(captions, config.model.textTokens),
        ...inputs,
        ...timeInputs(times, schedule, config.prediction),
      };
    },
    sample: ema => validation(withUvit(ema)),
    save: (ema, out) => saveTrainedModel(withUvit(ema), out, config.name),
    result: modelFolder,
  };
}

/**
 * Where the text is given, any wording of `varied`, since users have many; where it is to be predicted, the canonical
 * one: a picture does not determine which of many wordings is meant, and the network would learn their mean.
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
  statistics: ModelConfig['latents'],
  indices: readonly number[],
  { batch, model }: JointTraining,
  random: RandomStream,
): Record<string, HostTensor> {
  const clip = normaliseLatent(gatherRows(latents['clip']!, indices), statistics.clip, 1);
  return {
    image: sampledImages(latents, statistics.image, indices, random),
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
 * Timesteps, noise levels and loss weights of a batch; see `jointObjective`. Weights are one over the number of
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
    // Sampling never predicts a clean or an ignored part.
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
