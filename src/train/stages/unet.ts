/**
 * Stage `unet`: a convolutional U-Net that draws from captions, trained on the image latents of a finished model, whose
 * autoencoder and text tower stay as they are. It predicts v on the cosine schedule. The result is that model with the U-Net,
 * which draws.
 */
import { join } from 'node:path';
import { downsamplingFactor } from '../../autoencoder/index.ts';
import { createTokenizer } from '../../clip/index.ts';
import { float32, type HostTensor } from '../../core/host-tensor.ts';
import { seededRandom } from '../../core/random.ts';
import { fillParams, initialise } from '../../nn/params.ts';
import type { ModelConfig } from '../../pipelines/unidiffuser/model-config.ts';
import { writeModelFolder } from '../../pipelines/unidiffuser/model-folder.ts';
import { checkUnetFits, drawableModes, type ModelUnet } from '../../pipelines/unidiffuser/unet-config.ts';
import { createSchedule, type NoiseLevel } from '../../sampler/index.ts';
import { unetSpec } from '../../unet/index.ts';
import type { UnetStage } from '../config.ts';
import { batchIndices, captionBatch } from '../data/source.ts';
import type { Stage } from '../loop.ts';
import { type UnetProblem, unetObjective } from '../objectives/unet.ts';
import { type RandomStream, randomStream } from '../random.ts';
import { type BaseModel, checkPictureSize, loadBaseModel, modelFolder } from './base-model.ts';
import { openSource, type StageContext } from './context.ts';
import { warnAboutCaptions } from './fine-tune.ts';
import { imageLatents, sampledImages } from './frozen-networks.ts';
import { unetValidation } from './unet-validation.ts';

const diffusion = { prediction: 'v', schedule: { kind: 'cosine' } } as const satisfies ModelUnet['diffusion'];
const schedule = createSchedule(diffusion.schedule);
/** As docs/decisions/2026-11-27-unet-beside-the-uvit.md measures them. */
const sampling: Pick<ModelUnet, 'sampling' | 'finishesFrom'> = {
  sampling: { steps: 10, guidance: 2, solver: 'unipc' },
  finishesFrom: 0.5,
};

export async function unetStage(config: UnetStage, context: StageContext): Promise<Stage> {
  const base = await loadBaseModel(config.from);
  checkPictureSize(config, base.config);
  const problem = problemOf(config, base);
  const tokenizer = createTokenizer(base.tokenizer);
  const source = await openSource(config.data, context);
  warnAboutCaptions(source.captions ?? [], tokenizer, problem.tokens, context);
  const latents = await imageLatents(base, source, context);
  const initialParams = initialise(unetSpec(config.model), seededRandom(config.seed));
  const frozen = { text: base.weights.clip.text };
  const validation = unetValidation(
    { ...problem, data: config.data, base, structure: initialParams, schedule },
    context,
  );
  return {
    config,
    objective: unetObjective(problem),
    initialParams,
    frozen,
    batch: async step => {
      const indices = batchIndices(config.seed, step, config.batch, source.size);
      const random = randomStream(config.seed, 'noise', step);
      const image = sampledImages(latents, base.config.latents.image, indices, random);
      const captions = captionBatch(source, indices, config.seed, step).map(caption =>
        random.next() < config.emptyShare ? '' : caption,
      );
      return {
        image,
        noise: float32(image.shape, random.normal(image.data.length)),
        ids: tokenizer.frameBatch(captions, problem.tokens),
        ...noiseLevels(config.batch, random),
      };
    },
    sample: validation.sample,
    save: (ema, out) => {
      const unet = fillParams(unetSpec(config.model), ema, 'the averaged parameters');
      const own = { ...base.config, name: config.name, unet: modelUnet(config, base.config) };
      return writeModelFolder(join(out, modelFolder), { ...base, config: own, weights: { ...base.weights, unet } });
    },
    result: modelFolder,
    release: validation.release,
  };
}

/** What the model's config.json says of the U-Net: it draws what can be drawn from captions. */
function modelUnet({ model: network }: UnetStage, { sampling: { order } }: ModelConfig): ModelUnet {
  return {
    network,
    diffusion,
    ...(network.class && { features: 'mean' as const }),
    ...sampling,
    draws: drawableModes.filter(mode => order === 'text-first' || (mode !== 'joint' && mode !== 'i')),
  };
}

/** The sizes of the problem. @throws DuetError `invalid-config` if the U-Net does not fit the model's latents and states */
function problemOf({ model, batch, from }: UnetStage, { config }: Pick<BaseModel, 'config'>): UnetProblem {
  const { autoencoder, clip, imageSize, textTokens } = config;
  checkUnetFits(model, config, { place: 'model', model: `the model ${from}` });
  const side = imageSize / downsamplingFactor(autoencoder);
  return { batch, side, tokens: textTokens, unet: model, text: clip.text };
}

/** Timesteps stratified over (0, 1], times 1000, with their noise levels: less noise in the loss than independent draws. */
function noiseLevels(batch: number, { next }: Pick<RandomStream, 'next'>): Record<string, HostTensor> {
  const levels = Array.from({ length: batch }, (_, i) => schedule.at(1000 * (1 - (i + next()) / batch)));
  const vector = (of: (level: NoiseLevel) => number) => float32([batch], Float32Array.from(levels, of));
  return { time: vector(({ t }) => t), alpha: vector(({ alpha }) => alpha), sigma: vector(({ sigma }) => sigma) };
}
