/**
 * Stage `fine-tune-chat`: a chat model of the stage `chat` trained further on dialogues, its image tower as well: what CLIP saw to
 * tell pictures apart is not all that questions ask for.
 */
import { join, relative, resolve } from 'node:path';
import { DuetError } from '../../core/errors.ts';
import { llamaSpec } from '../../lm/index.ts';
import {
  type MiniGpt5Folder,
  readMiniGpt5Config,
  readMiniGpt5Folder,
} from '../../pipelines/chat/minigpt5/model-folder.ts';
import { writeMiniGpt5Folder } from '../../pipelines/chat/minigpt5/write-folder.ts';
import { findModel } from '../../pipelines/find-model.ts';
import { visualFrontEndSpec } from '../../vision/index.ts';
import { vokenMapperSpec } from '../../vokens/index.ts';
import type { FineTuneChatStage } from '../config.ts';
import { readChatTokenizer } from '../data/chat-tokenizer.ts';
import type { Stage } from '../loop.ts';
import { nest } from '../step.ts';
import { checkPictureSize, inMemory, loadBaseModel, modelFolder } from './base-model.ts';
import { dialogueShape } from './chat-sizes.ts';
import { chatTraining } from './chat-training.ts';
import type { StageContext } from './context.ts';

export async function fineTuneChatStage(config: FineTuneChatStage, context: StageContext): Promise<Stage> {
  const from = await findModel(config.from);
  const written = await readMiniGpt5Config(from);
  const folder = await readMiniGpt5Folder(from);
  const { language, vocabulary, drawing } = folder;
  const frontEnd = trainableFrontEnd(folder, config);
  const diffusion = resolve(from, written.diffusion);
  const base = await loadBaseModel(diffusion);
  checkPictureSize(config, base.config);
  const vokens = vocabulary.vokens.length;
  const tokenizer = await readChatTokenizer(join(from, written.languageModel, 'tokenizer.json'), vokens);
  const { mapper } = drawing!;
  const problem = {
    llama: language.config,
    frontEnd: frontEnd.network,
    mapper,
    text: base.config.clip.text,
    shape: dialogueShape(config, frontEnd.network.tower, vokens, language.config),
    weights: config.loss,
  };
  const initialParams = {
    llama: inMemory(llamaSpec(language.config), language.params, from),
    ...inMemory(visualFrontEndSpec(frontEnd.network), frontEnd.params, from),
    mapper: inMemory(vokenMapperSpec(mapper), drawing!.params, from),
  };
  const frozen = { text: base.weights.clip.text };
  const parts = { problem, tokenizer, captionTokenizer: base.tokenizer, initialParams, frozen };
  return {
    config,
    ...(await chatTraining(config, parts, context)),
    save: async (ema, out) => {
      // Averages have the parameters of `initialParams`; nesting forgets its type.
      const { llama, tower, connector, mapper } = nest(ema, initialParams) as typeof initialParams;
      const to = join(out, modelFolder);
      await writeMiniGpt5Folder(to, {
        config: {
          ...written,
          name: config.name,
          languageModel: 'language-model',
          diffusion: relative(to, diffusion),
        },
        language: { config: language.config, params: llama, tokenizer: tokenizer.json, end: tokenizer.end },
        frontEnd: { tower, connector },
        mapper,
      });
    },
    result: modelFolder,
  };
}

/** @throws DuetError `invalid-config` unless the folder is one that the stage `chat` could have written */
function trainableFrontEnd({ name, frontEnd, rows, lora, drawing }: MiniGpt5Folder, { from }: FineTuneChatStage) {
  const lacks = [
    !frontEnd && 'is given no pictures',
    frontEnd?.network.connector.qFormer && 'sees through a Q-Former',
    rows && 'has rows of its own beside those of its language model',
    lora && 'has an adaptation of its language model',
    !drawing && 'does not draw',
  ].find(Boolean);
  if (!lacks) return frontEnd!;
  throw new DuetError(
    'invalid-config',
    `${name} (${from}) ${lacks}; fine-tune-chat trains models of the stage chat. The stage minigpt5 trains others`,
  );
}
