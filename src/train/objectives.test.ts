/** The recorded steps of the stages beside the same run eagerly; contrastive training is in step.test.ts. */
import { describe, expect, it } from 'vitest';
import { tinyModel } from '../../test/support/tiny-model.ts';
import { tinyUnet } from '../../test/support/tiny-unet.ts';
import { autoencoderSpec } from '../autoencoder/index.ts';
import { float32, type HostTensor, isHostTensor, sizeOf } from '../core/host-tensor.ts';
import { seededRandom } from '../core/random.ts';
import type { Tree } from '../core/tree.ts';
import { flattenTree } from '../core/tree.ts';
import { compile, type Device } from '../engine/index.ts';
import { initialise } from '../nn/params.ts';
import { cosine } from '../sampler/index.ts';
import { unetSpec } from '../unet/index.ts';
import type { AutoencoderStage, CaptionDecoderStage, JointTraining, OptimizerConfig } from './config.ts';
import { autoencoderObjective } from './objectives/autoencoder.ts';
import { captionDecoderObjective } from './objectives/caption-decoder.ts';
import { jointObjective } from './objectives/joint.ts';
import { unetObjective } from './objectives/unet.ts';
import { optimizerScalars } from './optimizer.ts';
import { randomStream } from './random.ts';
import { timeInputs } from './stages/joint.ts';
import { initialState, type Objective, scalarInputs, stepInputs, trainStep } from './step.ts';

const model = tinyModel();
const { config, weights } = model;
const batch = 3;
const optimizer: OptimizerConfig = {
  lr: 0.01,
  betas: [0.9, 0.98],
  epsilon: 1e-3, // large: gradients that are rounding noise stay small
  weightDecay: 0.03,
  clipNorm: 1,
  warmup: 0,
  schedule: 'constant',
  finalShare: 1,
  ema: 0.9,
  emaWarmup: false,
};

interface Case {
  // biome-ignore lint/suspicious/noExplicitAny: parameter trees differ from stage to stage
  readonly objective: Objective<any, any>;
  readonly params: Tree<HostTensor>;
  readonly frozen: Tree<HostTensor>;
  readonly inputs: Record<string, HostTensor>;
}

const random = randomStream(1, 'objectives', 0);
const normal = (...shape: number[]): HostTensor => float32(shape, random.normal(sizeOf(shape)));
const ids = (length: number): HostTensor => ({
  dtype: 'int32',
  shape: [batch, length],
  data: Int32Array.from({ length: batch * length }, () => random.below(config.clip.text.vocabularySize)),
});
const text = (weights.clip as Record<string, Tree<HostTensor>>)['text']!;

function autoencoder(): Case {
  const small = { ...config.autoencoder, channels: 4, normGroups: 2 }; // eager convolutions are slow
  const stage = { batch, data: { size: 8 }, model: small, loss: { l1: 1, l2: 1, edge: 0.5, kl: 0.01 } };
  return {
    objective: autoencoderObjective(stage as unknown as AutoencoderStage, [4, 4, 4]),
    params: initialise(autoencoderSpec(small), seededRandom(1)),
    frozen: {},
    inputs: { pixels: normal(batch, 3, 8, 8), noise: normal(batch, 4, 4, 4) },
  };
}

/** @param frozen whether the bottleneck is a finished model's */
function captionDecoder({ frozen = false } = {}): Case {
  const stage = { batch, model: config.captionDecoder } as CaptionDecoderStage;
  const { prefixLength: length, latentWidth } = config.captionDecoder;
  const { encodePrefix, ...rest } = weights.captionDecoder as Record<string, Tree<HostTensor>>;
  const tokenMask = Float32Array.from({ length: batch * length }, (_, i) => (i % length < 5 ? 1 : 0));
  return {
    objective: captionDecoderObjective(stage, config.clip.text),
    params: frozen ? rest : weights.captionDecoder,
    frozen: { text, ...(frozen && { encodePrefix: encodePrefix! }) },
    inputs: {
      ids: ids(length),
      tokens: ids(length),
      tokenMask: float32([batch, length], tokenMask),
      noise: normal(batch, length, latentWidth),
      noiseLevel: float32([batch], Float32Array.of(0, 0.3, 1)),
    },
  };
}

function joint(prediction: JointTraining['prediction']): Case {
  const { uvit } = config;
  const stage = { batch, model: uvit, prediction, loss: { image: 1, clip: 0.5, text: 1 } } as JointTraining;
  const { encodePrefix } = weights.captionDecoder as Record<string, Tree<HostTensor>>;
  const image = [batch, uvit.latentChannels, uvit.latentSize, uvit.latentSize] as const;
  const shapes = { image, clip: [batch, 1, uvit.clipDim], text: [batch, uvit.textTokens, uvit.textDim] } as const;
  const times = { image: Float32Array.of(0.2, 0, 1), text: Float32Array.of(0.7, 0.5, 0.1) };
  return {
    objective: jointObjective(stage, config.clip.text),
    params: weights.uvit,
    frozen: {
      text,
      encodePrefix: encodePrefix!,
      mean: normal(uvit.textDim),
      std: float32([4], Float32Array.of(1, 2, 1, 2)),
    },
    inputs: {
      image: normal(...shapes.image),
      clip: normal(...shapes.clip),
      ids: ids(uvit.textTokens),
      imageNoise: normal(...shapes.image),
      clipNoise: normal(...shapes.clip),
      textNoise: normal(...shapes.text),
      ...timeInputs(times, cosine(), stage.prediction),
    },
  };
}

function unet(): Case {
  const network = tinyUnet();
  const latents = [batch, network.inChannels, 4, 4] as const;
  const { textTokens: tokens } = config;
  return {
    objective: unetObjective({ batch, side: 4, tokens, unet: network, text: config.clip.text }),
    params: initialise(unetSpec(network), seededRandom(1)),
    frozen: { text },
    inputs: {
      image: normal(...latents),
      noise: normal(...latents),
      ids: ids(tokens),
      time: float32([batch], Float32Array.of(200, 600, 950)),
      alpha: float32([batch], Float32Array.of(0.9, 0.5, 0.1)),
      sigma: float32([batch], Float32Array.of(0.43, 0.87, 0.99)),
    },
  };
}

async function steps(device: Device, { objective, params, frozen, inputs }: Case) {
  const executable = await compile(
    trainStep(objective, params, optimizer) as never,
    { params: frozen, state: initialState(params) as never, inputs: stepInputs(objective) },
    { device, threads: 1 },
  );
  const figures: Record<string, number>[] = [];
  for (let step = 0; step < 3; step++) {
    const scalars = scalarInputs(optimizerScalars(optimizer, step, optimizer.lr));
    const outputs = await executable.run({ ...inputs, ...scalars });
    figures.push(Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, data[0]!])));
  }
  const state = await executable.readState();
  await executable.release();
  return { figures, state };
}

describe('recorded training steps', () => {
  it.each([
    ['autoencoder', autoencoder],
    ['caption decoder', () => captionDecoder()],
    ['caption decoder on finished latents', () => captionDecoder({ frozen: true })],
    ['joint', () => joint('v')],
    ['joint, predicting the data', () => joint('sample')],
    ['unet', unet],
  ] as const)('compute what eager ones do, and learn: %s', async (_, make) => {
    const material = make();
    const eager = await steps('reference', material);
    const compiled = await steps('cpu', material);
    for (const [step, figures] of eager.figures.entries()) {
      for (const [name, value] of Object.entries(figures)) {
        expect(Math.abs(compiled.figures[step]![name]! - value), name).toBeLessThan(1e-3 * (1 + Math.abs(value)));
      }
    }
    for (const [name, { data }] of Object.entries(eager.state)) {
      const other = compiled.state[name]!.data;
      expect(Math.max(...Array.from(data, (value, i) => Math.abs(value - other[i]!))), name).toBeLessThan(1e-3);
    }
    expect(eager.figures[2]!['loss']).toBeLessThan(eager.figures[0]!['loss']!);
  });

  it.each([
    ['joint', () => joint('v')],
    ['unet', unet],
  ] as const)('leave nothing untrained: %s', async (_, make) => {
    const material = make();
    const { state } = await steps('cpu', material);
    const before = flattenTree<HostTensor>(material.params, isHostTensor);
    const still = Object.keys(before).filter(name => state[`m.${name}`]!.data.every(value => value === 0));
    expect(still).toEqual([]);
  });
});
