/**
 * Stage `chat`: a small language model, its eyes' connector and its feature mapper, trained together on dialogues. The result
 * is a MiniGPT-5 folder beside the model that it draws with.
 */
import { join, relative } from 'node:path';
import { createTokenizer } from '../../clip/index.ts';
import { DuetError } from '../../core/errors.ts';
import { float32, type HostTensor } from '../../core/host-tensor.ts';
import { seededRandom } from '../../core/random.ts';
import { type Pixels, toNetwork } from '../../image/index.ts';
import { type LlamaConfig, llamaSpec } from '../../lm/index.ts';
import { initialise } from '../../nn/params.ts';
import type { MiniGpt5Config } from '../../pipelines/chat/minigpt5/config.ts';
import { writeMiniGpt5Folder } from '../../pipelines/chat/minigpt5/write-folder.ts';
import { findModel } from '../../pipelines/find-model.ts';
import { JsonTokenizer } from '../../tokenizer/index.ts';
import { type VisualFrontEndConfig, visualFrontEndSpec } from '../../vision/index.ts';
import { vokenMapperSpec } from '../../vokens/index.ts';
import type { ChatStage } from '../config.ts';
import type { DialogueSource } from '../data/dialogue-source.ts';
import { tokeniseDialogue } from '../data/dialogue-tokens.ts';
import { type PackedBatch, type PackedShape, packDialogues } from '../data/packed-batch.ts';
import { sceneDialogues } from '../data/scene-dialogues.ts';
import { type ByteLevelTokenizer, trainByteLevel } from '../data/train-byte-level.ts';
import { lossEvaluation } from '../evaluation.ts';
import type { Stage } from '../loop.ts';
import { type ChatProblem, chatObjective } from '../objectives/chat.ts';
import { randomStream } from '../random.ts';
import { nest } from '../step.ts';
import { type BaseModel, checkPictureSize, loadBaseModel, modelFolder } from './base-model.ts';
import type { StageContext } from './context.ts';

/** Dialogues that the tokenizer learns from. */
const tokenizerDialogues = 20_000;
/** Batches of held-out dialogues. */
const validationBatches = 4;

const marks = { user: '<|user|>', assistant: '<|assistant|>', image: '<|image|>' } as const;
const vokenName = (index: number) => `[IMG${index}]`;

export async function chatStage(config: ChatStage, context: StageContext): Promise<Stage> {
  const base = await loadBaseModel(config.from);
  checkPictureSize(config, base.config);
  const { size: side, count, seed } = config.data;
  const source = await sceneDialogues({ side, count, seed });
  const validation = await sceneDialogues({ side, count, seed: seed + 0x7e57, heldOut: true });
  const tokenizer = await trainTokenizer(source, config);
  const problem = problemOf(config, base, tokenizer);
  const random = seededRandom(config.seed);
  const { connector } = visualFrontEndSpec(problem.frontEnd);
  const initialParams = initialise(
    { llama: llamaSpec(problem.llama), connector, mapper: vokenMapperSpec(problem.mapper) },
    random,
  );
  const { postNorm: _norm, projection: _projection, ...tower } = base.weights.clip.vision;
  const frozen = { tower, text: base.weights.clip.text };
  const objective = chatObjective(problem);
  const read = reader(tokenizer, config, problem.shape);
  const captions = createTokenizer(base.tokenizer);
  const batchOf = async (from: DialogueSource, step: number, emptyShare: number) => {
    const stream = randomStream(config.seed, from === source ? 'dialogues' : 'validation', step);
    const next = async () => read(await from.dialogue(stream.below(from.size)));
    const { inputs, given, captions: drawn } = await packDialogues(next, problem.shape);
    const kept = Float32Array.from({ length: problem.shape.drawn }, () => (stream.next() < emptyShare ? 0 : 1));
    const words = Array.from(kept, (isKept, index) => (isKept ? (drawn[index] ?? '') : ''));
    return {
      ...inputs,
      pixels: await pixelBatch(given, problem.shape.given, side),
      kept: float32([kept.length], kept),
      captions: captions.frameBatch(words, problem.mapper.queries),
    };
  };
  const evaluation = lossEvaluation({ objective, initialParams, frozen }, { ...context.engine, name: 'evaluate-chat' });
  return {
    config,
    objective,
    initialParams,
    frozen,
    batch: step => batchOf(source, step, config.emptyShare),
    sample: async ema => {
      const executable = await evaluation.on(ema);
      const sums: Record<string, number> = {};
      for (let index = 0; index < validationBatches; index++) {
        const outputs = await executable.run(await batchOf(validation, index, 0));
        for (const name of ['text', 'caption', 'accuracy']) {
          sums[name] = (sums[name] ?? 0) + outputs[name]!.data[0]! / validationBatches;
        }
      }
      return {
        metrics: { heldOutText: sums['text']!, heldOutCaption: sums['caption']!, heldOutAccuracy: sums['accuracy']! },
      };
    },
    save: async (ema, out) => {
      const trained = nest(ema, initialParams) as typeof initialParams;
      const folder = join(out, modelFolder);
      const { id } = specialToken(tokenizer, marks.user);
      await writeMiniGpt5Folder(folder, {
        config: folderConfig(config, problem, tokenizer, relative(folder, await findModel(config.from))),
        language: {
          config: problem.llama,
          params: trained.llama,
          tokenizer,
          end: { name: marks.user, id },
        },
        frontEnd: { tower, connector: trained.connector },
        mapper: trained.mapper,
      });
    },
    result: modelFolder,
    release: evaluation.release,
  };
}

async function trainTokenizer(source: DialogueSource, { model }: ChatStage): Promise<ByteLevelTokenizer> {
  const texts: string[] = [];
  for (let index = 0; index < Math.min(tokenizerDialogues, source.size); index++) {
    const parts = (await source.dialogue(index)).flatMap(({ content }) => content);
    texts.push(...parts.flatMap(part => (part.type === 'text' ? [part.text] : [])));
  }
  const special = [...Object.values(marks), ...Array.from({ length: model.vokens }, (_, index) => vokenName(index))];
  return trainByteLevel(texts, { vocabularySize: model.vocabularySize, special });
}

function specialToken({ added_tokens: tokens }: ByteLevelTokenizer, name: string): { name: string; id: number } {
  return { name, id: tokens.find(({ content }) => content === name)!.id };
}

function vocabularyOf(tokenizer: ByteLevelTokenizer, vokens: number): MiniGpt5Config['vocabulary'] {
  return {
    vokens: Array.from({ length: vokens }, (_, index) => specialToken(tokenizer, vokenName(index))),
    image: specialToken(tokenizer, marks.image),
  };
}

/** Dialogues as tokens. */
function reader(json: ByteLevelTokenizer, { model }: ChatStage, { vectors }: PackedShape) {
  const tokenizer = new JsonTokenizer(json, 'the tokenizer that was trained');
  const form = {
    user: marks.user,
    assistant: marks.assistant,
    encode: (text: string) => tokenizer.encode(text, { framed: false }),
    vokens: vocabularyOf(json, model.vokens).vokens.map(({ id }) => id),
    vectors,
  };
  return (turns: Parameters<typeof tokeniseDialogue>[0]) => tokeniseDialogue(turns, form);
}

/** @throws DuetError `invalid-config` if the sizes do not fit each other or the model */
function problemOf(config: ChatStage, base: BaseModel, tokenizer: ByteLevelTokenizer): ChatProblem {
  const { model, length, batch, pictures } = config;
  const { width, heads, positions } = model.language;
  const { clip, textTokens } = base.config;
  if (width % (2 * heads) !== 0) {
    throw new DuetError(
      'invalid-config',
      `model.language.width must be a multiple of twice its ${heads} heads, got ${width}`,
    );
  }
  if (length > positions) {
    throw new DuetError(
      'invalid-config',
      `length must be at most model.language.positions, ${positions}, got ${length}`,
    );
  }
  const llama: LlamaConfig = {
    ...model.language,
    vocabularySize: Object.keys(tokenizer.model.vocab).length + tokenizer.added_tokens.length,
    keyValueHeads: heads,
    headWidth: width / heads,
    activation: 'silu',
    epsilon: 1e-5,
    rope: { base: 10_000 },
    tied: true,
    attentionBias: false,
    mlpBias: false,
  };
  const { projection: _, ...tower } = clip.vision;
  const frontEnd: VisualFrontEndConfig = {
    tower: {
      ...tower,
      patchBias: false,
      preNorm: true,
      biases: 'all',
      featureLayers: model.featureLayers,
      classToken: false,
    },
    connector: { projection: { width, bias: true, activation: 'erf' } },
  };
  const { imageSize, patchSize } = clip.vision;
  return {
    llama,
    frontEnd,
    mapper: { inputWidth: width, width: clip.text.width, queries: textTokens, ...model.mapper },
    text: clip.text,
    shape: {
      rows: batch,
      length,
      ...pictures,
      vectors: Math.floor(imageSize / patchSize) ** 2,
      vokens: model.vokens,
      vocabularySize: llama.vocabularySize,
    },
    weights: config.loss,
  };
}

function folderConfig(
  { name, model }: ChatStage,
  { frontEnd, mapper }: ChatProblem,
  tokenizer: ByteLevelTokenizer,
  diffusion: string,
): MiniGpt5Config {
  return {
    family: 'minigpt5',
    name,
    languageModel: 'language-model',
    diffusion,
    vocabulary: vocabularyOf(tokenizer, model.vokens),
    frontEnd: {
      network: frontEnd,
      // As the tower was trained: the whole picture, values in [-1, 1].
      input: { fit: 'stretch', filter: 'bicubic', mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
    },
    mapper,
    prompt: {
      system: '',
      user: marks.user,
      assistant: marks.assistant,
      separator: '',
      image: marks.image,
      drawn: 'vokens',
      stop: [],
    },
    sampling: { temperature: 0 },
  };
}

/** The pictures in [-1, 1], [M, 3, S, S]; black ones behind them. */
async function pixelBatch(given: PackedBatch['given'], count: number, side: number): Promise<HostTensor> {
  const none: Pixels = { width: side, height: side, data: new Uint8Array(3 * side * side) };
  const pictures = await Promise.all(given.map(picture => picture()));
  return toNetwork([...pictures, ...new Array<Pixels>(count - pictures.length).fill(none)]);
}
