/** A batch of the stage `minigpt5`: prompts and answers as tokens, given pictures as vectors, drawn ones as noised latents. */
import { DuetError } from '../../core/errors.ts';
import { float32, type HostTensor } from '../../core/host-tensor.ts';
import type { ChatFolder } from '../../pipelines/chat/chat-folder.ts';
import type { Eyes } from '../../pipelines/chat/eyes.ts';
import { visualInput } from '../../pipelines/visual-input.ts';
import { addNoise, minSnrWeight, predictionTarget } from '../../sampler/index.ts';
import { type TrainingSample, trainingBatch } from '../../vokens/index.ts';
import type { AnswerSample, AnswerSource, DrawnPicture, PictureSource } from '../data/answers/answer-source.ts';
import type { MiniGpt5Shape } from '../objectives/minigpt5.ts';
import type { RandomStream } from '../random.ts';
import type { FrozenDrawing } from './minigpt5-networks.ts';

export interface BatchParts {
  readonly folder: ChatFolder;
  readonly drawing: FrozenDrawing;
  readonly eyes?: Eyes | undefined;
  readonly shape: MiniGpt5Shape;
  readonly emptyShare: number;
  readonly onWarning?: ((message: string) => void) | undefined;
}

/** Samples in one batch that are tried for each of its rows. */
const triesPerRow = 4;

interface Chosen {
  readonly tokens: TrainingSample;
  readonly drawn: readonly DrawnPicture[];
}

/**
 * @param indices of the batch's samples; in the place of one that does not fit another one is drawn
 * @throws DuetError 'invalid-argument' if none fits
 */
export async function answerBatch(
  source: AnswerSource,
  indices: readonly number[],
  random: RandomStream,
  parts: BatchParts,
): Promise<Record<string, HostTensor>> {
  const { folder, shape } = parts;
  const chosen = await chooseSamples(source, indices, random, parts);
  const { tokenizer, network: language } = folder.language;
  const empty: TrainingSample = { source: [], target: [], images: [] };
  const batch = trainingBatch(
    Array.from({ length: shape.rows }, (_, row) => chosen[row]?.tokens ?? empty),
    {
      vokens: vokenIds(folder),
      image: folder.vocabulary.image.id,
      before: tokenizer.frame.before,
      width: language.width,
      length: shape.length,
    },
  );
  const { pictures, ...tensors } = batch;
  const vokens = folder.vocabulary.vokens.length;
  const places = new Int32Array(shape.pictures * vokens);
  for (const [k, { row, position }] of pictures.entries()) {
    for (let v = 0; v < vokens; v++) places[k * vokens + v] = row * shape.length + position - 1 + v;
  }
  return {
    ...tensors,
    places: { dtype: 'int32', shape: [places.length], data: places },
    ...(await pictureInputs(
      chosen.flatMap(({ drawn }) => drawn),
      random,
      parts,
    )),
  };
}

function vokenIds({ vocabulary }: ChatFolder): number[] {
  return vocabulary.vokens.map(({ id }) => id);
}

/** As many samples as there are rows, or fewer if others do not fit. */
async function chooseSamples(
  source: AnswerSource,
  indices: readonly number[],
  random: RandomStream,
  parts: BatchParts,
): Promise<Chosen[]> {
  const { rows, length, pictures } = parts.shape;
  const chosen: Chosen[] = [];
  let drawn = 0;
  for (let tried = 0; chosen.length < rows && tried < triesPerRow * rows; tried++) {
    const index = indices[tried] ?? random.below(source.size);
    const sample = source.sample(index);
    if (drawn + sample.drawn.length > pictures) continue;
    const tokens = await tokensOf(sample, parts);
    const positions = positionsOf(tokens, parts);
    if (positions > length) {
      parts.onWarning?.(`sample ${index} takes ${positions} positions of ${length} and is left out`);
      continue;
    }
    drawn += sample.drawn.length;
    chosen.push({ tokens, drawn: sample.drawn });
  }
  if (chosen.length > 0) return chosen;
  throw new DuetError(
    'invalid-argument',
    `None of ${triesPerRow * rows} samples fits: rows have ${length} positions and a batch ${pictures} pictures; make length or pictures larger`,
  );
}

function positionsOf({ source, target, images }: TrainingSample, { folder }: BatchParts): number {
  const { network, tokenizer } = folder.language;
  const vectors = images.reduce((sum, image) => sum + image.length / network.width - 1, 0);
  return tokenizer.frame.before.length + source.length + target.length + vectors;
}

async function tokensOf(
  { source, given, target }: AnswerSample,
  { folder, eyes }: BatchParts,
): Promise<TrainingSample> {
  if (given.length > 0 && !eyes) {
    throw new DuetError(
      'invalid-argument',
      `${folder.name} is given no pictures, and the data have some in their prompts`,
    );
  }
  const encode = (text: string) => folder.language.tokenizer.encode(text, { framed: false });
  const images = eyes ? await eyes.see(await Promise.all(given.map(picture => picture()))) : [];
  return { source: encode(source), target: encode(target), images };
}

async function pictureInputs(
  drawn: readonly DrawnPicture[],
  random: RandomStream,
  { folder, drawing, shape, emptyShare }: BatchParts,
): Promise<Record<string, HostTensor>> {
  const { networks, schedule, prediction } = drawing;
  const [channels, height, width] = shape.latent;
  const size = channels * height * width;
  const whole = () => new Float32Array(shape.pictures * size);
  const [sample, noise] = [whole(), whole()];
  const perPicture = () => new Float32Array(shape.pictures);
  const [kept, time, imageWeights, captionWeights] = [perPicture(), perPicture(), perPicture(), perPicture()];
  const { queries, width: contextWidth } = folder.drawing!.mapper;
  const features = new Float32Array(shape.pictures * queries * contextWidth);
  const withCaption = drawn.filter(({ caption }) => caption !== undefined).length;
  for (const [k, { picture, caption }] of drawn.entries()) {
    const latent = await latentOf(picture, random, drawing);
    const epsilon = random.normal(size);
    const level = schedule.at(random.below(schedule.tMax + 1));
    sample.set(addNoise(latent, epsilon, level), k * size);
    noise.set(predictionTarget(prediction, latent, epsilon, level), k * size);
    time[k] = level.t;
    kept[k] = random.next() < emptyShare ? 0 : 1;
    // The losses are means over all places, also those without a picture.
    imageWeights[k] = (minSnrWeight(prediction, level) * shape.pictures) / drawn.length;
    if (!shape.hasCaptions || caption === undefined) continue;
    captionWeights[k] = shape.pictures / withCaption;
    const [states] = await networks.encodeTexts([kept[k] ? caption : ''], {});
    features.set(states!, k * queries * contextWidth);
  }
  const shaped = (data: Float32Array<ArrayBuffer>) => float32([shape.pictures, ...shape.latent], data);
  const flat = (data: Float32Array<ArrayBuffer>) => float32([shape.pictures], data);
  return {
    kept: flat(kept),
    sample: shaped(sample),
    noise: shaped(noise),
    time: flat(time),
    imageWeights: flat(imageWeights),
    ...(shape.hasCaptions && {
      features: float32([shape.pictures, queries, contextWidth], features),
      captionWeights: flat(captionWeights),
    }),
  };
}

/** A sample of the picture's posterior, scaled; the picture stands in a white square. */
async function latentOf(
  picture: PictureSource,
  random: RandomStream,
  { networks, model }: FrozenDrawing,
): Promise<Float32Array> {
  const { imageSize: side, latentScale } = model.config;
  const rules = { fit: 'pad', filter: 'bilinear', mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } as const;
  const data = visualInput(await picture(), side, rules);
  const [posterior] = await networks.encodeImages([{ data, width: side, height: side }], {});
  const { mean, std } = posterior!;
  const noise = random.normal(std.length);
  return mean.data.map((value, i) => (value + std[i]! * noise[i]! - latentScale.shift) * latentScale.factor);
}
