/**
 * Stage `chat`: a small language model, its eyes' connector and its feature mapper, trained together on dialogues. The result
 * is a MiniGPT-5 folder that draws with the model whose eyes it has.
 */
import { join, relative } from 'node:path';
import { createTokenizer } from '../../clip/index.ts';
import { float32, type HostTensor } from '../../core/host-tensor.ts';
import { seededRandom } from '../../core/random.ts';
import { type Pixels, toNetwork } from '../../image/index.ts';
import { llamaSpec } from '../../lm/index.ts';
import { initialise } from '../../nn/params.ts';
import { writeMiniGpt5Folder } from '../../pipelines/chat/minigpt5/write-folder.ts';
import { findModel } from '../../pipelines/find-model.ts';
import { visualFrontEndSpec } from '../../vision/index.ts';
import { vokenMapperSpec } from '../../vokens/index.ts';
import type { ChatStage } from '../config.ts';
import { readChatTokenizer } from '../data/chat-tokenizer.ts';
import type { DialogueSource } from '../data/dialogue-source.ts';
import { tokeniseDialogue } from '../data/dialogue-tokens.ts';
import { type PackedBatch, packDialogues } from '../data/packed-batch.ts';
import { sceneDialogues } from '../data/scene-dialogues.ts';
import { lossEvaluation } from '../evaluation.ts';
import type { Stage } from '../loop.ts';
import { chatObjective } from '../objectives/chat.ts';
import { randomStream } from '../random.ts';
import { nest } from '../step.ts';
import { checkPictureSize, loadBaseModel, modelFolder } from './base-model.ts';
import { chatFolderConfig, chatProblem } from './chat-sizes.ts';
import type { StageContext } from './context.ts';

/** Batches of held-out dialogues. */
const validationBatches = 4;
/** What is measured on them: losses of words and of the mapper, and the fraction of tokens that are the most likely ones. */
const figures = { heldOutText: 'text', heldOutCaption: 'caption', heldOutAccuracy: 'accuracy' } as const;

export async function chatStage(config: ChatStage, { engine }: StageContext): Promise<Stage> {
  const base = await loadBaseModel(config.from);
  checkPictureSize(config, base.config);
  const { size: side, count, seed } = config.data;
  const source = await sceneDialogues({ side, count, seed });
  const validation = await sceneDialogues({ side, count, seed: seed + 0x7e57, heldOut: true });
  const tokenizer = await readChatTokenizer(config.parts.tokenizer, config.model.vokens);
  const problem = chatProblem(config, base.config, tokenizer.vocabularySize);
  const { shape } = problem;
  const { connector } = visualFrontEndSpec(problem.frontEnd);
  const initialParams = initialise(
    { llama: llamaSpec(problem.llama), connector, mapper: vokenMapperSpec(problem.mapper) },
    seededRandom(config.seed),
  );
  const { postNorm: _norm, projection: _projection, ...tower } = base.weights.clip.vision;
  const frozen = { tower, text: base.weights.clip.text };
  const objective = chatObjective(problem);
  const form = { ...tokenizer.form, vectors: shape.vectors };
  const captions = createTokenizer(base.tokenizer);
  const batchOf = async (from: DialogueSource, name: string, step: number, emptyShare: number) => {
    const random = randomStream(config.seed, name, step);
    const next = async () => tokeniseDialogue(await from.dialogue(random.below(from.size)), form);
    const { inputs, given, captions: drawn } = await packDialogues(next, shape);
    const kept = Float32Array.from({ length: shape.drawn }, () => (random.next() < emptyShare ? 0 : 1));
    const words = Array.from(kept, (isKept, index) => (isKept ? (drawn[index] ?? '') : ''));
    return {
      ...inputs,
      pixels: await pixelBatch(given, shape.given, side),
      kept: float32([kept.length], kept),
      captions: captions.frameBatch(words, problem.mapper.queries),
    };
  };
  const evaluation = lossEvaluation({ objective, initialParams, frozen }, { ...engine, name: 'evaluate-chat' });
  return {
    config,
    objective,
    initialParams,
    frozen,
    batch: step => batchOf(source, 'dialogues', step, config.emptyShare),
    sample: async ema => {
      const executable = await evaluation.on(ema);
      const metrics = { heldOutText: 0, heldOutCaption: 0, heldOutAccuracy: 0 };
      for (let index = 0; index < validationBatches; index++) {
        const outputs = await executable.run(await batchOf(validation, 'validation', index, 0));
        for (const figure of Object.keys(metrics) as (keyof typeof metrics)[]) {
          metrics[figure] += outputs[figures[figure]]!.data[0]! / validationBatches;
        }
      }
      return { metrics };
    },
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
    release: evaluation.release,
  };
}

/** The pictures in [-1, 1], [M, 3, S, S]; black ones behind them. */
async function pixelBatch(given: PackedBatch['given'], count: number, side: number): Promise<HostTensor> {
  const none: Pixels = { width: side, height: side, data: new Uint8Array(3 * side * side) };
  const pictures = await Promise.all(given.map(picture => picture()));
  return toNetwork([...pictures, ...new Array<Pixels>(count - pictures.length).fill(none)]);
}
