/** The conditioning vector of the U-Net: timestep, guidance scale and class as one vector per sample. */
import * as tf from '@tensorflow/tfjs';
import { DuetError } from '../core/errors.ts';
import {
  type EmbeddingSpec,
  embeddingLayer,
  embeddingSpec,
  type LinearSpec,
  linearLayer,
  linearSpec,
} from '../nn/linear.ts';
import type { Params } from '../nn/params.ts';
import { sinusoidalEmbedding } from '../nn/time-embedding.ts';
import { silu } from '../ops/index.ts';
import { timeWidthOf, type UnetConfig } from './config.ts';

/** Two matrices with SiLU between them. */
type EmbeddingMlpSpec = { readonly fc1: LinearSpec; readonly fc2: LinearSpec };

const embeddingMlpSpec = (inputs: number, width: number): EmbeddingMlpSpec => ({
  fc1: linearSpec(inputs, width),
  fc2: linearSpec(width, width),
});

export type ConditioningSpec = {
  readonly timeMlp: EmbeddingMlpSpec;
  /** The embedded guidance scale, added to the sinusoids of the timestep. */
  readonly guidance?: LinearSpec;
  readonly classLabels?: EmbeddingSpec;
  readonly classMlp?: EmbeddingMlpSpec;
  readonly classLinear?: LinearSpec;
};

export function conditioningSpec(config: UnetConfig): ConditioningSpec {
  const [sinusoids, width] = [config.levels[0]!.width, timeWidthOf(config)];
  const { guidanceWidth } = config;
  return {
    timeMlp: embeddingMlpSpec(sinusoids, width),
    ...(guidanceWidth === undefined ? {} : { guidance: linearSpec(guidanceWidth, sinusoids, { bias: false }) }),
    ...classSpec(config, sinusoids, width),
  };
}

function classSpec({ class: kind }: UnetConfig, sinusoids: number, width: number): Partial<ConditioningSpec> {
  switch (kind?.kind) {
    case undefined:
      return {};
    case 'labels':
      return { classLabels: embeddingSpec(kind.count, width) };
    case 'timestep':
      return { classMlp: embeddingMlpSpec(sinusoids, width) };
    case 'features':
      return {
        identity: {},
        linear: { classLinear: linearSpec(kind.width, width) },
        mlp: { classMlp: embeddingMlpSpec(kind.width, width) },
      }[kind.map];
  }
}

/** What a conditioning vector is made of. */
export interface ConditioningInputs {
  /** Timesteps [B], 0 is clean. */
  readonly time: tf.Tensor;
  /** The embedded guidance scale [B, guidanceWidth] of networks that take one; left out: none, as diffusers allows. */
  readonly guidance?: tf.Tensor | undefined;
  /** int32 labels [B], numbers on the scale of timesteps [B], or features [B, width]: as the configuration has it. */
  readonly class?: tf.Tensor | undefined;
}

/** [B, E]; {@link timeWidthOf} or, where the class is put beside it, twice as many. */
export function conditioning(
  params: Params<ConditioningSpec>,
  inputs: ConditioningInputs,
  config: UnetConfig,
): tf.Tensor {
  const { cosineFirst = true, frequencyShift = 0 } = config;
  const sinusoids = (t: tf.Tensor) => sinusoidalEmbedding(t, config.levels[0]!.width, { cosineFirst, frequencyShift });
  let time = sinusoids(inputs.time);
  if (params.guidance && inputs.guidance) time = tf.add(time, linearLayer(params.guidance, inputs.guidance));
  const embedded = mlp(params.timeMlp, time);
  if (!config.class) return embedded;
  const label = classVector(params, requireClass(inputs), config, sinusoids);
  return config.classJoin === 'concat' ? tf.concat([embedded, label], 1) : tf.add(embedded, label);
}

function classVector(
  params: Params<ConditioningSpec>,
  given: tf.Tensor,
  config: UnetConfig,
  sinusoids: (t: tf.Tensor) => tf.Tensor,
): tf.Tensor {
  if (params.classLabels) return embeddingLayer(params.classLabels, given);
  const features = config.class?.kind === 'timestep' ? sinusoids(given) : given;
  if (params.classMlp) return mlp(params.classMlp, features);
  return params.classLinear ? linearLayer(params.classLinear, features) : features;
}

function mlp({ fc1, fc2 }: Params<EmbeddingMlpSpec>, x: tf.Tensor): tf.Tensor {
  return linearLayer(fc2, silu(linearLayer(fc1, x)));
}

function requireClass(inputs: ConditioningInputs): tf.Tensor {
  if (inputs.class) return inputs.class;
  throw new DuetError('invalid-argument', 'unet: this network needs the input "class"');
}
