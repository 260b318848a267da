/**
 * Stage `unet`: a convolutional U-Net that draws from captions, trained on the image latents of a finished model, whose
 * autoencoder and text tower stay as they are. It predicts v on the cosine schedule.
 */
import { downsamplingFactor } from '../../autoencoder/index.ts';
import { createTokenizer } from '../../clip/index.ts';
import { DuetError } from '../../core/errors.ts';
import { float32, type HostTensor } from '../../core/host-tensor.ts';
import { seededRandom } from '../../core/random.ts';
import { initialise } from '../../nn/params.ts';
import { cosine, type NoiseLevel } from '../../sampler/index.ts';
import { unetSpec } from '../../unet/index.ts';
import type { UnetStage } from '../config.ts';
import { batchIndices, captionBatch } from '../data/source.ts';
import type { Stage } from '../loop.ts';
import { type UnetProblem, unetObjective } from '../objectives/unet.ts';
import { type RandomStream, randomStream } from '../random.ts';
import { type BaseModel, checkPictureSize, loadBaseModel } from './base-model.ts';
import { openSource, type StageContext } from './context.ts';
import { warnAboutCaptions } from './fine-tune.ts';
import { imageLatents, sampledImages } from './frozen-networks.ts';
import { unetValidation } from './unet-validation.ts';

const schedule = cosine();

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
    release: validation.release,
  };
}

/** The sizes of the problem. @throws DuetError `invalid-config` if the U-Net does not fit the model's latents and states */
function problemOf({ model, batch, from }: UnetStage, { config }: Pick<BaseModel, 'config'>): UnetProblem {
  const { autoencoder, clip, imageSize, textTokens } = config;
  const wanted = {
    inChannels: autoencoder.latentChannels,
    outChannels: autoencoder.latentChannels,
    contextWidth: clip.text.width,
  };
  for (const [key, value] of Object.entries(wanted) as [keyof typeof wanted, number][]) {
    if (model[key] === value) continue;
    throw new DuetError(
      'invalid-config',
      `model.${key} is ${model[key] ?? 'absent'}, the model ${from} needs ${value}`,
    );
  }
  if (model.class && !(model.class.kind === 'features' && model.class.width === clip.text.width)) {
    throw new DuetError(
      'invalid-config',
      `model.class is ${JSON.stringify(model.class)}; leave it out, or give it the mean of the text states: ` +
        `{"kind": "features", "width": ${clip.text.width}, "map": "mlp"}`,
    );
  }
  const side = imageSize / downsamplingFactor(autoencoder);
  return { batch, side, tokens: textTokens, unet: model, text: clip.text };
}

/** Timesteps stratified over (0, 1], times 1000, with their noise levels: less noise in the loss than independent draws. */
function noiseLevels(batch: number, { next }: Pick<RandomStream, 'next'>): Record<string, HostTensor> {
  const levels = Array.from({ length: batch }, (_, i) => schedule.at(1000 * (1 - (i + next()) / batch)));
  const vector = (of: (level: NoiseLevel) => number) => float32([batch], Float32Array.from(levels, of));
  return { time: vector(({ t }) => t), alpha: vector(({ alpha }) => alpha), sigma: vector(({ sigma }) => sigma) };
}
