import { describe, test } from 'vitest';
import {
  type AutoencoderConfig,
  type AutoencoderParams,
  autoencoderSpec,
  decode,
  encodeMoments,
} from '../src/autoencoder/index.ts';
import type { Tree } from '../src/core/tree.ts';
import type { InputSpec, Program } from '../src/engine/index.ts';
import type { ParamSpec } from '../src/nn/params.ts';
import {
  type JointUvitConfig,
  type JointUvitParams,
  jointUvit,
  jointUvitSpec,
  type UvitConfig,
  type UvitParams,
  uvit,
  uvitSpec,
} from '../src/uvit/index.ts';
import { exampleInputs, expectOneGraph, freshWeights } from './support/networks.ts';

/** A network under test: sizes that no golden file has (odd widths, oblong images, folded pixels). */
interface Case {
  readonly spec: Tree<ParamSpec>;
  readonly inputs: Record<string, InputSpec>;
  readonly program: Program<unknown, undefined>;
}

const tensor = (...shape: number[]): InputSpec => ({ dtype: 'float32', shape: ['batch', ...shape] });

function jointCase(config: JointUvitConfig, height: number, width: number): Case {
  return {
    spec: jointUvitSpec(config),
    inputs: {
      image: tensor(config.latentChannels, height, width),
      clipImage: tensor(1, config.clipDim),
      text: tensor(config.textTokens, config.textDim),
      imageTime: tensor(),
      textTime: tensor(),
      ...(config.dataTypeToken ? { dataType: { dtype: 'int32', shape: ['batch'] } as const } : {}),
    },
    program: (({ params, inputs }: { params: JointUvitParams; inputs: Parameters<typeof jointUvit>[1] }) => ({
      outputs: { ...jointUvit(params, inputs, config) },
    })) as unknown as Program<unknown, undefined>,
  };
}

function plainCase(config: UvitConfig): Case {
  const { latentChannels, latentSize, context } = config;
  return {
    spec: uvitSpec(config),
    inputs: {
      image: tensor(latentChannels, latentSize, latentSize),
      time: tensor(),
      ...(config.classes ? { label: { dtype: 'int32', shape: ['batch'] } as const } : {}),
      ...(context ? { context: tensor(context.tokens, context.dim) } : {}),
    },
    program: (({ params, inputs }: { params: UvitParams; inputs: Parameters<typeof uvit>[1] }) => ({
      outputs: { out: uvit(params, inputs, config) },
    })) as unknown as Program<unknown, undefined>,
  };
}

function autoencoderCase(config: AutoencoderConfig, side: number): Case {
  return {
    spec: autoencoderSpec(config),
    inputs: { pixels: tensor(config.inChannels, side, side) },
    program: (({ params, inputs }: { params: AutoencoderParams; inputs: { pixels: Parameters<typeof decode>[1] } }) => {
      const { mean, logVariance } = encodeMoments(params, inputs.pixels, config);
      return { outputs: { mean, logVariance, decoded: decode(params, mean, config) } };
    }) as unknown as Program<unknown, undefined>,
  };
}

const joint: JointUvitConfig = {
  latentSize: 6,
  latentChannels: 2,
  patchSize: 3,
  width: 15,
  depth: 2,
  heads: 3,
  mlpRatio: 1.5,
  clipDim: 3,
  textDim: 2,
  textTokens: 1,
  timeMlp: true,
  qkvBias: true,
};
const plain: UvitConfig = {
  latentSize: 6,
  latentChannels: 1,
  patchSize: 2,
  width: 9,
  depth: 0,
  heads: 3,
  mlpRatio: 2,
  finalConv: true,
};
const autoencoder: AutoencoderConfig = {
  inChannels: 1,
  latentChannels: 3,
  channels: 6,
  channelMultipliers: [1, 1.5, 2],
  blocksPerLevel: 1,
  normGroups: 3,
  patchSize: 2,
};

const cases: Record<string, Case> = {
  'joint, oblong image': jointCase({ ...joint, dataTypeToken: true }, 3, 9),
  'joint, own size': jointCase(joint, 6, 6),
  'plain, label': plainCase({ ...plain, classes: 3 }),
  'plain, no blocks around the middle, context': plainCase({ ...plain, context: { dim: 2, tokens: 3 } }),
  'plain, no skips, no convolution': plainCase({ ...plain, depth: 4, skip: false, finalConv: false }),
  'autoencoder, folded pixels, three levels': autoencoderCase(autoencoder, 16),
};

describe.each(Object.entries(cases))('%s', (_, { spec, inputs, program }) => {
  test('is one graph for every batch size and equals the eager run', async () => {
    const runs = [1, 3].map(batch => exampleInputs(inputs, { batch }));
    await expectOneGraph(program, { params: freshWeights(spec), inputs }, runs);
  });
});
