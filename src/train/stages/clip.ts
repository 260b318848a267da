/** Stage `clip`: both towers trained against each other, and the tokenizer, whose vocabulary is learned first. */
import { clipSpec, createTokenizer, endPositions, type Tokenizer, trainTokenizer } from '../../clip/index.ts';
import { stringifyTokenizerData, type TokenizerData } from '../../clip/tokenizer-file.ts';
import { DuetError } from '../../core/errors.ts';
import { float32, type HostTensor } from '../../core/host-tensor.ts';
import { seededRandom } from '../../core/random.ts';
import { initialise } from '../../nn/params.ts';
import type { ClipStage, ClipTraining } from '../config.ts';
import { batchIndices, captionBatch, type PairSource, pictureBatch } from '../data/source.ts';
import { lossEvaluation } from '../evaluation.ts';
import type { Stage } from '../loop.ts';
import { contrastiveObjective, type PartOfClip } from '../objectives/contrastive.ts';
import { randomStream } from '../random.ts';
import { openSource, openValidation, type StageContext, type StageInputs, type Training } from './context.ts';

/** The number of captions that the vocabulary is learned from. */
const vocabularyCaptions = 60_000;

export async function clipStage(config: ClipStage, context: StageContext): Promise<Stage> {
  const source = await openSource(config.data, context);
  const data = learnTokenizer(source, config);
  const tokenizer = createTokenizer(data);
  if (tokenizer.vocabularySize > config.model.text.vocabularySize) {
    throw new DuetError(
      'invalid-config',
      `model.text.vocabularySize is ${config.model.text.vocabularySize}, the tokenizer has ${tokenizer.vocabularySize} ids`,
    );
  }
  const fresh = initialise(clipSpec(config.model), seededRandom(config.seed));
  const inputs = {
    tokenizer,
    source,
    validation: await openValidation(config.data, config.batch * 4),
    initialParams: { ...fresh, logitScale: float32([], Float32Array.of(-Math.log(config.loss.temperature))) },
    frozen: {},
  };
  return {
    config,
    ...clipTraining(config, inputs, context),
    metadata: { tokenizer: stringifyTokenizerData(data) },
  };
}

/** Both towers together are in `initialParams` and `frozen`. */
export function clipTraining(
  config: ClipTraining,
  { tokenizer, source, validation, initialParams, frozen }: StageInputs<PartOfClip, PartOfClip>,
  context: StageContext,
): Training {
  const objective = contrastiveObjective(config);
  const options = { ...context.engine, name: 'evaluate-clip' };
  const evaluation = lossEvaluation({ objective, initialParams, frozen }, options);
  return {
    objective,
    initialParams,
    frozen,
    batch: async step => {
      const indices = distinctIndices(source, batchOf(config, source, step), config.seed, step);
      return pairBatch(source, tokenizer, indices, captionBatch(source, indices, config.seed, step), config);
    },
    sample: async ema => {
      const executable = await evaluation.on(ema);
      const sums: Record<string, number> = {};
      for (let round = 0; round < 4; round++) {
        const indices = Array.from({ length: config.batch }, (_, i) => (round * config.batch + i) % validation.size);
        const captions = captionBatch(validation, indices, config.seed, round);
        const outputs = await executable.run(await pairBatch(validation, tokenizer, indices, captions, config));
        for (const [name, { data }] of Object.entries(outputs)) sums[name] = (sums[name] ?? 0) + data[0]! / 4;
      }
      return {
        metrics: {
          heldOutLoss: sums['loss']!,
          heldOutImageToText: sums['imageToText']!,
          heldOutTextToImage: sums['textToImage']!,
        },
      };
    },
    release: evaluation.release,
  };
}

function learnTokenizer(source: PairSource, config: ClipStage): TokenizerData {
  const { next } = randomStream(config.seed, 'tokenizer', 0);
  const captions = Array.from({ length: vocabularyCaptions }, (_, i) => source.caption(i % source.size, next));
  return trainTokenizer(captions, { vocabularySize: config.tokenizer.vocabularySize });
}

/** The items of a batch, of which each two neighbours stay together. */
function batchOf({ seed, batch, data }: ClipTraining, source: PairSource, step: number): number[] {
  if (data.source !== 'scenes' || !data.neighbours) return batchIndices(seed, step, batch, source.size);
  return batchIndices(seed, step, batch / 2, source.size / 2).flatMap(couple => [2 * couple, 2 * couple + 1]);
}

/** `indices` with repetitions of one scene replaced: a caption must fit one picture of its batch only. */
function distinctIndices(source: PairSource, indices: readonly number[], seed: number, step: number): number[] {
  const { identity } = source;
  if (!identity) return [...indices];
  const { below } = randomStream(seed, 'distinct', step);
  const seen = new Set<string>();
  return indices.map(index => {
    let chosen = index;
    for (let tries = 0; tries < 20 && seen.has(identity(chosen)); tries++) chosen = below(source.size);
    seen.add(identity(chosen));
    return chosen;
  });
}

async function pairBatch(
  source: PairSource,
  tokenizer: Tokenizer,
  indices: readonly number[],
  captions: readonly string[],
  config: ClipTraining,
): Promise<Record<string, HostTensor>> {
  const ids = tokenizer.frameBatch(captions, config.model.text.positions);
  return { pixels: await pictureBatch(source, indices), ids, ends: endPositions(ids, { endId: tokenizer.endId }) };
}
