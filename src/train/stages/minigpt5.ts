/**
 * Stage `minigpt5`: a folder of MiniGPT-5 trained further, in its two stages (Zheng et al., arXiv 2310.02239, section 3.3). The
 * language model, the eyes and what draws are only read; the result is a folder beside them.
 */
import { join } from 'node:path';
import { DuetError } from '../../core/errors.ts';
import { seededRandom } from '../../core/random.ts';
import { loraSpec } from '../../lm/index.ts';
import { projectionSpec } from '../../nn/linear.ts';
import { initialise } from '../../nn/params.ts';
import {
  type MiniGpt5Folder,
  readMiniGpt5Config,
  readMiniGpt5Folder,
} from '../../pipelines/chat/minigpt5/model-folder.ts';
import { writeAdaptedFolder } from '../../pipelines/chat/minigpt5/write-folder.ts';
import { unetSpec } from '../../unet/index.ts';
import { vokenMapperSpec } from '../../vokens/index.ts';
import type { MiniGpt5Stage } from '../config.ts';
import { openAnswers } from '../data/answers/open-answers.ts';
import { batchIndices } from '../data/source.ts';
import type { Stage } from '../loop.ts';
import { type MiniGpt5Shape, miniGpt5Objective } from '../objectives/minigpt5.ts';
import { randomStream } from '../random.ts';
import { nest } from '../step.ts';
import { inMemory, modelFolder } from './base-model.ts';
import type { StageContext } from './context.ts';
import { answerBatch } from './minigpt5-batch.ts';
import { loadFrozenParts } from './minigpt5-networks.ts';

export async function miniGpt5Stage(config: MiniGpt5Stage, context: StageContext): Promise<Stage> {
  const written = await readMiniGpt5Config(config.from);
  const random = seededRandom(config.seed);
  const folder = await readMiniGpt5Folder(config.from, { begin: random });
  const { rows, language, drawing } = folder;
  checkStart(config, folder);
  const form = {
    prompt: written.prompt,
    templates: written.promptTemplates ?? {},
    vokens: written.vocabulary.vokens.map(({ name }) => name).join(''),
  };
  const source = await openAnswers(config.data, form, config.seed, context.onWarning);
  const parts = await loadFrozenParts(folder, { ...context.engine }, context.signal);
  const { unet, reduction, autoencoder, imageSize } = parts.drawing.model.config;
  const side = imageSize / reduction;
  const shape: MiniGpt5Shape = {
    rows: config.batch,
    length: config.length,
    pictures: config.pictures,
    latent: [autoencoder.latentChannels, side, side],
    hasCaptions: config.lora === undefined,
  };
  const { projection, queries, ...layers } = inMemory(vokenMapperSpec(drawing!.mapper), drawing!.params, config.from);
  const { width } = language.config;
  const regression = config.regression !== undefined && {
    regression: initialise(projectionSpec(width, width), random),
  };
  const own = config.lora
    ? { mapper: layers, lora: folder.lora?.params ?? initialise(loraSpec(language.config, config.lora.rank), random) }
    : { mapper: { projection, queries, ...layers } };
  const initialParams = { rows: rows!, ...own, ...regression };
  return {
    config,
    objective: miniGpt5Objective(
      {
        llama: language.config,
        mapper: drawing!.mapper,
        unet,
        vokens: folder.vocabulary.vokens.length,
        ...(config.lora && { loraScale: config.lora.alpha / config.lora.rank }),
        regression: config.regression,
      },
      shape,
    ),
    initialParams,
    frozen: {
      llama: language.params,
      // In memory: of one program only one folder's weights can stay in their files, and the language model is the larger one.
      unet: inMemory(unetSpec(unet), parts.drawing.model.weights.unet, config.from),
      mapper: config.lora ? { projection, queries } : {},
    },
    batch: step =>
      answerBatch(
        source,
        batchIndices(config.seed, step, config.batch, source.size),
        randomStream(config.seed, 'answers', step),
        { folder, ...parts, shape, emptyShare: config.emptyShare, onWarning: context.onWarning },
      ),
    save: async (ema, out) => {
      // Averages have the parameters of `initialParams`; nesting forgets its type.
      const trained = nest(ema, initialParams) as typeof initialParams;
      await writeAdaptedFolder(join(out, modelFolder), config.from, {
        name: config.name,
        rows: trained.rows,
        mapper: { projection, queries, ...trained.mapper },
        ...(config.lora && 'lora' in trained && { lora: { ...config.lora, params: trained.lora } }),
      });
    },
    result: modelFolder,
    release: parts.release,
  };
}

/** @throws DuetError 'invalid-config' if the folder cannot be trained so */
function checkStart({ from, lora, length }: MiniGpt5Stage, { rows, lora: given, language }: MiniGpt5Folder): void {
  const fail = (message: string): never => {
    throw new DuetError('invalid-config', message);
  };
  if (!rows) {
    fail(
      `The language model of ${from} knows the vokens already; here their rows are learned beside a model that lacks them`,
    );
  }
  if (given && !lora) fail(`${from} has an adaptation of its language model: give lora, which trains that further`);
  const rank = given?.params.layers[0]?.query.a.shape[0];
  if (rank !== undefined && rank !== lora!.rank) fail(`lora.rank is ${lora!.rank}, that of ${from} is ${rank}`);
  if (length > language.config.positions) {
    fail(`length must be at most the language model's ${language.config.positions} positions, got ${length}`);
  }
}
