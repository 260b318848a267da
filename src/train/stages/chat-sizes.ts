/** The sizes of a small chat model: its own, and those of the model by which it sees and draws. */
import { DuetError } from '../../core/errors.ts';
import { maxExchanges } from '../../emoji/dialogues/sample-dialogue.ts';
import type { MiniGpt5Config } from '../../pipelines/chat/minigpt5/config.ts';
import type { ModelConfig } from '../../pipelines/unidiffuser/model-config.ts';
import type { ChatStage, ChatTraining } from '../config.ts';
import { type ChatTokenizer, marks } from '../data/chat-tokenizer.ts';
import type { PackedShape } from '../data/packed-batch.ts';
import type { ChatProblem } from '../objectives/chat.ts';

/** @throws DuetError `invalid-config` if the sizes do not fit each other */
export function chatProblem(
  { model, ...training }: ChatStage,
  { clip, textTokens }: Pick<ModelConfig, 'clip' | 'textTokens'>,
  vocabularySize: number,
): ChatProblem {
  const { width, heads } = model.language;
  if (width % (2 * heads) !== 0) {
    throw new DuetError(
      'invalid-config',
      `model.language.width must be a multiple of twice its ${heads} heads, got ${width}`,
    );
  }
  const { projection: _, ...tower } = clip.vision;
  return {
    llama: {
      ...model.language,
      vocabularySize,
      keyValueHeads: heads,
      headWidth: width / heads,
      activation: 'silu',
      epsilon: 1e-5,
      rope: { base: 10_000 },
      tied: true,
      attentionBias: false,
      mlpBias: false,
    },
    frontEnd: {
      tower: {
        ...tower,
        patchBias: false,
        preNorm: true,
        biases: 'all',
        featureLayers: model.featureLayers,
        classToken: false,
      },
      connector: { projection: { width, bias: true, activation: 'erf' } },
    },
    mapper: { inputWidth: width, width: clip.text.width, queries: textTokens, ...model.mapper },
    text: clip.text,
    shape: dialogueShape(training, tower, model.vokens, { ...model.language, vocabularySize }),
    weights: training.loss,
  };
}

/** @throws DuetError `invalid-config` if a row is longer than what the language model can read */
export function dialogueShape(
  { batch, length, pictures }: Pick<ChatTraining, 'batch' | 'length' | 'pictures'>,
  { imageSize, patchSize }: { readonly imageSize: number; readonly patchSize: number },
  vokens: number,
  { positions, vocabularySize }: { readonly positions: number; readonly vocabularySize: number },
): PackedShape {
  if (length > positions) {
    throw new DuetError(
      'invalid-config',
      `length must be at most the language model's ${positions} positions, got ${length}`,
    );
  }
  const vectors = Math.floor(imageSize / patchSize) ** 2;
  return { rows: batch, length, ...pictures, vectors, vokens, vocabularySize };
}

/** @param diffusion the folder of the model that draws, relative to that of the chat model */
export function chatFolderConfig(
  name: string,
  { frontEnd, mapper }: ChatProblem,
  { vocabulary }: Pick<ChatTokenizer, 'vocabulary'>,
  diffusion: string,
): MiniGpt5Config {
  return {
    family: 'minigpt5',
    name,
    languageModel: 'language-model',
    diffusion,
    vocabulary,
    frontEnd: {
      network: frontEnd,
      // As the tower was trained: the whole picture, values in [-1, 1].
      input: { fit: 'stretch', filter: 'bicubic', mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
    },
    mapper,
    prompt: { system: '', ...marks, separator: '', drawn: 'vokens', exchanges: maxExchanges, stop: [] },
    // What is certain stays so; stories and what is drawn without being named are other ones each time.
    sampling: { temperature: 0.7, topP: 0.9 },
    examples: [
      'can you show me two foxes?',
      'tell me a story about a cat',
      'draw a rocket above a house',
      'what can you draw?',
    ],
  };
}
