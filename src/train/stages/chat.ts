/**
 * Stage `chat`: a small language model, its eyes' connector and its feature mapper, trained together on dialogues. The result
 * is a MiniGPT-5 folder that draws with the model whose eyes it has.
 */
import { join, relative } from 'node:path';
import { seededRandom } from '../../core/random.ts';
import { llamaSpec } from '../../lm/index.ts';
import { initialise } from '../../nn/params.ts';
import { writeMiniGpt5Folder } from '../../pipelines/chat/minigpt5/write-folder.ts';
import { findModel } from '../../pipelines/find-model.ts';
import { visualFrontEndSpec } from '../../vision/index.ts';
import { vokenMapperSpec } from '../../vokens/index.ts';
import type { ChatStage } from '../config.ts';
import { readChatTokenizer } from '../data/chat-tokenizer.ts';
import type { Stage } from '../loop.ts';
import { nest } from '../step.ts';
import { checkPictureSize, loadBaseModel, modelFolder } from './base-model.ts';
import { chatFolderConfig, chatProblem } from './chat-sizes.ts';
import { chatTraining } from './chat-training.ts';
import type { StageContext } from './context.ts';

export async function chatStage(config: ChatStage, context: StageContext): Promise<Stage> {
  const base = await loadBaseModel(config.from);
  checkPictureSize(config, base.config);
  const tokenizer = await readChatTokenizer(config.parts.tokenizer, config.model.vokens);
  const problem = chatProblem(config, base.config, tokenizer.vocabularySize);
  const { connector } = visualFrontEndSpec(problem.frontEnd);
  const initialParams = initialise(
    { llama: llamaSpec(problem.llama), connector, mapper: vokenMapperSpec(problem.mapper) },
    seededRandom(config.seed),
  );
  const { postNorm: _norm, projection: _projection, ...tower } = base.weights.clip.vision;
  const frozen = { tower, text: base.weights.clip.text };
  const parts = { problem, tokenizer, captionTokenizer: base.tokenizer, initialParams, frozen };
  return {
    config,
    ...(await chatTraining(config, parts, context)),
    save: async (ema, out) => {
      // Averages have the parameters of `initialParams`; nesting forgets its type.
      const trained = nest(ema, initialParams) as typeof initialParams;
      const folder = join(out, modelFolder);
      await writeMiniGpt5Folder(folder, {
        config: chatFolderConfig(config.name, problem, tokenizer, relative(folder, await findModel(config.from))),
        language: { config: problem.llama, params: trained.llama, tokenizer: tokenizer.json, end: tokenizer.end },
        frontEnd: { tower, connector: trained.connector },
        mapper: trained.mapper,
      });
    },
    result: modelFolder,
  };
}
