/** What the stages have in common that train a small chat model on dialogues about scenes. */
import { createTokenizer, type TokenizerData } from '../../clip/index.ts';
import { float32, type HostTensor } from '../../core/host-tensor.ts';
import { type Pixels, toNetwork } from '../../image/index.ts';
import type { ChatTraining } from '../config.ts';
import type { ChatTokenizer } from '../data/chat-tokenizer.ts';
import type { DialogueSource } from '../data/dialogue-source.ts';
import { tokeniseDialogue } from '../data/dialogue-tokens.ts';
import { type PackedBatch, packDialogues } from '../data/packed-batch.ts';
import { sceneDialogues } from '../data/scene-dialogues.ts';
import { lossEvaluation } from '../evaluation.ts';
import type { Stage } from '../loop.ts';
import { type ChatFrozen, type ChatParams, type ChatProblem, chatObjective } from '../objectives/chat.ts';
import { randomStream } from '../random.ts';
import type { TrainingProblem } from '../step.ts';
import type { StageContext } from './context.ts';

/** Batches of held-out dialogues. */
const validationBatches = 4;
/** What is measured on them: losses of words and of the mapper, and the fraction of tokens that are the most likely ones. */
const figures = { heldOutText: 'text', heldOutCaption: 'caption', heldOutAccuracy: 'accuracy' } as const;

export interface ChatParts extends Omit<TrainingProblem<ChatParams, ChatFrozen>, 'objective'> {
  readonly problem: ChatProblem;
  readonly tokenizer: ChatTokenizer;
  /** That of the text tower, whose states are the target of the mapper. */
  readonly captionTokenizer: TokenizerData;
}

export async function chatTraining(
  config: ChatTraining,
  { problem, tokenizer, captionTokenizer, initialParams, frozen }: ChatParts,
  { engine }: StageContext,
): Promise<Pick<Stage, 'objective' | 'initialParams' | 'frozen' | 'batch' | 'sample' | 'release'>> {
  const { source: _source, size: side, seed, ...dialogues } = config.data;
  const { shape } = problem;
  const source = await sceneDialogues({ ...dialogues, side, seed });
  const validation = await sceneDialogues({ ...dialogues, side, seed: seed + 0x7e57, heldOut: true });
  const objective = chatObjective(problem);
  const form = { ...tokenizer.form, vectors: shape.vectors };
  const captions = createTokenizer(captionTokenizer);
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
    release: evaluation.release,
  };
}

/** The pictures in [-1, 1], [M, 3, S, S]; black ones behind them. */
async function pixelBatch(given: PackedBatch['given'], count: number, side: number): Promise<HostTensor> {
  const none: Pixels = { width: side, height: side, data: new Uint8Array(3 * side * side) };
  const pictures = await Promise.all(given.map(picture => picture()));
  return toNetwork([...pictures, ...new Array<Pixels>(count - pictures.length).fill(none)]);
}
