/**
 * Stage `fine-tune`: a finished model's U-ViT trained further on pairs, with other patches where these are wanted. The other
 * networks stay frozen, but for a U-Net, which would draw what it had learnt before: it is left out unless it is to stay.
 */
import { basename, resolve } from 'node:path';
import { createTokenizer, frameTokens, type Tokenizer } from '../../clip/index.ts';
import type { HostTensor } from '../../core/host-tensor.ts';
import { seededRandom } from '../../core/random.ts';
import { findModel } from '../../pipelines/find-model.ts';
import { type Model, readModelFolder } from '../../pipelines/unidiffuser/model-folder.ts';
import { repatch } from '../../uvit/index.ts';
import { absolutePaths } from '../absolute-paths.ts';
import type { FineTuneStage } from '../config.ts';
import { countPairs } from '../data/folder.ts';
import type { Stage } from '../loop.ts';
import { checkPictureSize, loadBaseModel, withoutUnet } from './base-model.ts';
import { openSource, type StageContext } from './context.ts';
import { imageLatents } from './frozen-networks.ts';
import { jointTraining } from './joint.ts';

/**
 * A configuration for `from` (an embedded model or a model folder) and the pairs in the folder `data`, for sets of a
 * dozen to a few thousand: sixty passes over the pairs, within bounds.
 * @throws DuetError `model-not-found`, `invalid-argument` if `data` holds no pictures
 */
export async function fineTuneConfig(
  data: string,
  from: string,
  choices: { readonly steps?: number } = {},
): Promise<FineTuneStage> {
  const { config } = await readModelFolder(await findModel(from));
  const pairs = await countPairs(data);
  const batch = Math.min(32, Math.max(8, pairs));
  const steps = choices.steps ?? Math.min(4000, Math.max(200, Math.ceil((60 * pairs) / batch)));
  return absolutePaths({
    stage: 'fine-tune',
    name: runName(config.name, data),
    seed: 1,
    from,
    steps,
    batch,
    optimizer: {
      lr: 2e-4,
      betas: [0.9, 0.98],
      epsilon: 1e-8,
      weightDecay: 0.01,
      clipNorm: 1,
      warmup: Math.ceil(steps / 20),
      schedule: 'cosine',
      finalShare: 0.1,
      ema: 0.99,
      emaWarmup: true,
    },
    data: { source: 'folder', size: config.imageSize, path: data },
    checkpointSeconds: 60,
    sampleEvery: Math.max(25, Math.ceil(steps / 5)),
    loss: { image: 1, clip: 0.5, text: 1 },
    curriculum: [
      { at: 0, textClean: 0.35, imageClean: 0.25, textIgnored: 0.1, imageIgnored: 0.1, independent: 0.1, equal: 0.1 },
    ],
  });
}

export async function fineTuneStage(config: FineTuneStage, context: StageContext): Promise<Stage> {
  const whole = await loadBaseModel(config.from);
  const base = config.keepsUnet ? whole : withoutUnet(whole);
  const model = config.model ? withOtherPatches(base, config.model, config.seed) : base;
  const { uvit, diffusion, textTokens } = model.config;
  checkPictureSize(config, model.config);
  const source = await openSource(config.data, context);
  warnAboutCaptions(source.captions ?? [], createTokenizer(model.tokenizer), textTokens, context);
  const training = { ...config, model: uvit, prediction: diffusion.prediction };
  const latents = await imageLatents(model, source, context);
  return {
    config,
    initialParams: model.weights.uvit,
    ...jointTraining(training, { base: model, source, latents }, context),
  };
}

function withOtherPatches(
  model: Model<HostTensor>,
  patches: NonNullable<FineTuneStage['model']>,
  seed: number,
): Model<HostTensor> {
  const before = model.config.uvit;
  const uvit = { ...before, ...patches };
  return {
    ...model,
    config: { ...model.config, uvit },
    weights: { ...model.weights, uvit: repatch(model.weights.uvit, before, uvit, seededRandom(seed)) },
  };
}

/** Words that the frozen tokenizer and text tower were not trained on cannot be learned well; captions may be too long. */
export function warnAboutCaptions(
  captions: readonly string[],
  tokenizer: Tokenizer,
  textTokens: number,
  { onWarning }: StageContext,
): void {
  const unknown = [...new Set(captions.flatMap(caption => tokenizer.unknownWords(caption)))];
  if (unknown.length > 0) {
    onWarning?.(
      `The model does not know ${unknown.length === 1 ? 'the word' : 'the words'} ${few(unknown)}: ` +
        'it spells them from pieces, and what they mean has to be learned from few pictures. Known words work better.',
    );
  }
  const long = captions.filter(caption => tokenizer.encode(caption).length > textTokens - frameTokens);
  if (long.length > 0) {
    onWarning?.(`The model reads ${textTokens - frameTokens} tokens; the end is cut off ${few(long)}`);
  }
}

function few(texts: readonly string[]): string {
  const shown = texts.slice(0, 8).map(text => JSON.stringify(text));
  return `${shown.join(', ')}${texts.length > 8 ? ` and ${texts.length - 8} more` : ''}`;
}

/** Letters, digits and hyphens from the model's and the folder's names. */
function runName(model: string, data: string): string {
  const plain = `${model}-${basename(resolve(data))}`.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  return plain.replaceAll(/^-+|-+$/g, '') || 'fine-tuned';
}
