/**
 * What to watch in the joint stage: the loss says little, so some held-out scenes are drawn from their captions and
 * captioned from their pictures. A result counts as right when it is nearest to its own scene among all of them, the
 * same scene with another object included: chance is a half where no object is recognised.
 */
import * as tf from '@tensorflow/tfjs';
import { autoencoderSpec, decode } from '../../autoencoder/index.ts';
import { clipVisionSpec } from '../../clip/index.ts';
import { float32, type HostTensor } from '../../core/host-tensor.ts';
import { stackRows, unstackRows } from '../../core/rows.ts';
import { compile, type Executable, type Program } from '../../engine/index.ts';
import { fromNetwork, pictureGrid } from '../../image/index.ts';
import { imageEncoder } from '../../pipelines/unidiffuser/networks/encode-programs.ts';
import {
  answerOneByOne,
  type LatentShapes,
  type SampleLatents,
  type SampleRequest,
  sampleRun,
  seededNoise,
  stackEvaluations,
  unstackPredictions,
} from '../../pipelines/unidiffuser/sampling/index.ts';
import type { Schedule } from '../../sampler/index.ts';
import { type UvitParams, uvit, uvitSpec } from '../../uvit/index.ts';
import type { JointTraining } from '../config.ts';
import type { ChannelStatistics } from '../data/latents.ts';
import { captionBatch, pictureBatch } from '../data/source.ts';
import type { StageSample } from '../loop.ts';
import { openValidation, type StageContext } from './context.ts';
import { compileTextEncoder, type JointParts, type LatentStatisticsTable } from './joint-parts.ts';
import { fill } from './part.ts';

export interface JointPreview {
  sample(ema: Readonly<Record<string, HostTensor>>, step: number): Promise<StageSample>;
  release(): Promise<void>;
}

/** Scenes looked at (fewer where the data are), and how they are sampled. */
const scenes = 64;
const steps = 12;
const guidance = { t2i: 2, i2t: 1.5 } as const;

/** The truth about the scenes: pictures [N, 3, S, S], normalised latents, one row per scene. */
interface Truth {
  readonly pixels: HostTensor;
  readonly z: HostTensor;
  readonly c: HostTensor;
  readonly y: HostTensor;
}

export function jointPreview(
  config: JointTraining,
  parts: JointParts,
  statistics: LatentStatisticsTable,
  context: StageContext,
  schedule: Schedule,
): JointPreview {
  const { model } = config;
  // A folder's own pairs stand in for held-out ones: the figures then say how well they are remembered.
  const judged = config.data.source === 'scenes' ? 'heldOut' : 'seen';
  const shapes: LatentShapes = {
    z: [model.latentChannels, model.latentSize, model.latentSize],
    c: [1, model.clipDim],
    y: [model.textTokens, model.textDim],
  };
  let truth: Truth | undefined;
  let network: Executable | undefined;
  let decoder: Executable | undefined;
  const draw = async (mode: 't2i' | 'i2t', given: (row: number) => SampleLatents): Promise<SampleLatents[]> => {
    const request = (row: number): SampleRequest => ({
      mode,
      shapes,
      steps,
      schedule,
      prediction: config.prediction,
      solver: { kind: 'dpm-multistep' },
      guidance: guidance[mode],
      noise: seededNoise(row, shapes),
      given: given(row),
    });
    const runs = Array.from({ length: truth!.pixels.shape[0]! }, (_, row) => sampleRun(request(row)));
    return answerOneByOne(runs, async evaluations => {
      const { image, clipImage, text, imageTime, textTime } = stackEvaluations(evaluations, shapes);
      const { z, c, y } = await network!.run({ z: image, c: clipImage, y: text, tImage: imageTime, tText: textTime });
      return unstackPredictions({ image: z!, clipImage: c!, text: y! });
    });
  };
  return {
    async sample(ema) {
      truth ??= await encodeTruth(config, parts, statistics, context);
      network ??= await compileNetwork(config, ema, shapes, context);
      decoder ??= await compileDecoder(parts, statistics.image, shapes, context);
      await network.writeState(ema);
      const { pixels, y } = truth;
      const [z, c, text] = [unstackRows(truth.z), unstackRows(truth.c), unstackRows(y)];
      const drawn = await draw('t2i', row => ({ text: text[row]! }));
      const { pixels: pictures } = await decoder.run({
        z: stackRows(
          drawn.map(({ image }) => image!.z),
          shapes.z,
        ),
      });
      const described = await draw('i2t', row => ({ image: { z: z[row]!, c: c[row]! } }));
      const shown = fromNetwork(pictures!).slice(0, 32);
      return {
        metrics: {
          [`${judged}TextToImage`]: nearestIsOwn(pictures!, pixels),
          [`${judged}ImageToText`]: nearestIsOwn(
            stackRows(
              described.map(({ text }) => text!),
              shapes.y,
            ),
            y,
          ),
        },
        picture: pictureGrid(
          fromNetwork(pixels)
            .slice(0, 32)
            .flatMap((real, i) => [real, shown[i]!]),
          { columns: 8 },
        ),
      };
    },
    async release() {
      await network?.release();
      await decoder?.release();
    },
  };
}

async function encodeTruth(
  config: JointTraining,
  parts: JointParts,
  statistics: LatentStatisticsTable,
  context: StageContext,
): Promise<Truth> {
  const source = await openValidation(config.data, scenes, { swaps: true });
  const indices = Array.from({ length: Math.min(scenes, source.size) }, (_, i) => i);
  const pixels = await pictureBatch(source, indices);
  const { autoencoder, clip } = parts;
  const images = await compile(
    imageEncoder(autoencoder.config.model, clip.config.model.vision) as Program<unknown, unknown>,
    {
      params: {
        autoencoder: fill(autoencoderSpec(autoencoder.config.model), autoencoder.tensors),
        vision: fill(clipVisionSpec(clip.config.model.vision), clip.tensors, 'vision.'),
      },
      inputs: { pixels: { dtype: 'float32', shape: ['batch', 3, source.side, source.side] } },
    },
    { ...context.engine, name: 'encode-images' },
  );
  const texts = await compileTextEncoder(parts, statistics.text, context);
  try {
    const { mean, clip: embedding } = await images.run({ pixels });
    const ids = parts.tokenizer.frameBatch(captionBatch(source, indices, 0, 0), config.model.textTokens);
    const { latents } = await texts.run({ ids });
    return {
      pixels,
      z: normalised(mean!, statistics.image, 1),
      c: normalised(embedding!, statistics.clip, 2),
      y: latents!,
    };
  } finally {
    await images.release();
    await texts.release();
  }
}

function compileNetwork(
  config: JointTraining,
  ema: Readonly<Record<string, HostTensor>>,
  shapes: LatentShapes,
  context: StageContext,
): Promise<Executable> {
  const program: Program<unknown, Record<string, tf.Tensor>> = ({ state, inputs }) => {
    const { z, c, y, tImage, tText } = inputs as Record<'z' | 'c' | 'y' | 'tImage' | 'tText', tf.Tensor>;
    const params = fill(uvitSpec(config.model), state) as UvitParams;
    const out = uvit(params, { image: z, clipImage: c, text: y, imageTime: tImage, textTime: tText }, config.model);
    return { outputs: { z: out.image, c: out.clipImage, y: out.text }, state };
  };
  const part = (shape: readonly number[]) => ({ dtype: 'float32', shape: ['batch', ...shape] }) as const;
  return compile(
    program as Program<unknown, unknown>,
    {
      state: ema,
      inputs: { z: part(shapes.z), c: part(shapes.c), y: part(shapes.y), tImage: part([]), tText: part([]) },
    },
    { ...context.engine, name: 'preview-joint' },
  );
}

/** Normalised z [B, C, H, W] -> pixels [B, 3, S, S]. */
function compileDecoder(
  parts: JointParts,
  { mean, std }: ChannelStatistics,
  shapes: LatentShapes,
  context: StageContext,
): Promise<Executable> {
  const { config, tensors } = parts.autoencoder;
  const channel = (values: Float32Array): HostTensor => float32([1, values.length, 1, 1], values);
  const params = {
    autoencoder: fill(autoencoderSpec(config.model), tensors),
    mean: channel(mean),
    std: channel(std),
  };
  const program = ({ params: p, inputs }: { params: Record<string, tf.Tensor>; inputs: Record<string, tf.Tensor> }) => {
    const latents = tf.add(tf.mul(inputs['z']!, p['std']!), p['mean']!);
    return { outputs: { pixels: decode(p['autoencoder'] as never, latents, config.model) } };
  };
  return compile(
    program as unknown as Program<unknown, unknown>,
    { params, inputs: { z: { dtype: 'float32', shape: ['batch', ...shapes.z] } } },
    { ...context.engine, name: 'preview-decoder' },
  );
}

function normalised(tensor: HostTensor, { mean, std }: ChannelStatistics, axis: number): HostTensor {
  const inner = tensor.shape.slice(axis + 1).reduce((product, side) => product * side, 1);
  const channels = mean.length;
  const data = Float32Array.from(tensor.data as Float32Array, (value, i) => {
    const channel = Math.floor(i / inner) % channels;
    return (value - mean[channel]!) / std[channel]!;
  });
  return float32(tensor.shape, data);
}

/** The share of rows of `made` whose nearest row of `truth` (squared distance) is their own. */
export function nearestIsOwn(made: HostTensor, truth: HostTensor): number {
  const truths = unstackRows(truth);
  let right = 0;
  for (const [row, candidate] of unstackRows(made).entries()) {
    const distances = truths.map(other => other.reduce((sum, value, i) => sum + (value - candidate[i]!) ** 2, 0));
    if (distances.indexOf(Math.min(...distances)) === row) right++;
  }
  return right / truths.length;
}
