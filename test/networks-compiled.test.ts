import { describe, expect, test } from 'vitest';
import {
  type AutoencoderConfig,
  type AutoencoderParams,
  autoencoderSpec,
  decode,
  encodeMoments,
} from '../src/autoencoder/index.ts';
import { float32, type HostTensor, sizeOf } from '../src/core/host-tensor.ts';
import { seededRandom } from '../src/core/random.ts';
import { inputShapes } from '../src/engine/dimensions.ts';
import { compile, type InputSpec, type Program } from '../src/engine/index.ts';
import { recordSymbolic } from '../src/engine/recorder/symbolic.ts';
import { initialise } from '../src/nn/params.ts';
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

/** A network under test: sizes that no golden file has (odd widths, oblong images, folded pixels). */
interface Case {
  readonly spec: Parameters<typeof initialise>[0];
  readonly inputs: Record<string, InputSpec>;
  readonly program: Program<unknown, unknown>;
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
    })) as unknown as Program<unknown, unknown>,
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
    })) as unknown as Program<unknown, unknown>,
  };
}

function autoencoderCase(config: AutoencoderConfig, side: number): Case {
  return {
    spec: autoencoderSpec(config),
    inputs: { pixels: tensor(config.inChannels, side, side) },
    program: (({ params, inputs }: { params: AutoencoderParams; inputs: { pixels: Parameters<typeof decode>[1] } }) => {
      const { mean, logVariance } = encodeMoments(params, inputs.pixels, config);
      return { outputs: { mean, logVariance, decoded: decode(params, mean, config) } };
    }) as unknown as Program<unknown, unknown>,
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

function inputsOf(specs: Record<string, InputSpec>, batch: number): Record<string, HostTensor> {
  return Object.fromEntries(
    Object.entries(inputShapes(specs, { batch })).map(([name, shape], k) => {
      const values = Array.from({ length: sizeOf(shape) }, (_, i) => Math.cos(0.3 * i + k));
      if (specs[name]!.dtype === 'float32') return [name, float32(shape, Float32Array.from(values))];
      return [name, { dtype: 'int32', shape, data: Int32Array.from(values, value => (value > 0 ? 1 : 0)) }];
    }),
  );
}

describe.each(Object.entries(cases))('%s', (_, { spec, inputs, program }) => {
  test('is one graph for every batch size and equals the eager run', async () => {
    const params = initialise(spec, seededRandom(1));
    expect(recordSymbolic('network', program, { params, inputs }, { dimensions: ['batch'], fixed: {} })).toBeDefined();
    const [eager, compiled] = await Promise.all([
      compile(program, { params, inputs }, { device: 'reference' }),
      compile(program, { params, inputs }, { device: 'cpu', threads: 1 }),
    ]);
    try {
      for (const batch of [1, 3]) {
        const [a, b] = [await eager.run(inputsOf(inputs, batch)), await compiled.run(inputsOf(inputs, batch))];
        for (const name of Object.keys(a)) {
          expect(b[name]!.shape).toEqual(a[name]!.shape);
          const [x, y] = [a[name]!.data as Float32Array, b[name]!.data as Float32Array];
          const worst = x.reduce((worst, value, i) => Math.max(worst, Math.abs(value - y[i]!)), 0);
          expect(worst, name).toBeLessThan(1e-4);
        }
      }
    } finally {
      await Promise.all([eager.release(), compiled.release()]);
    }
  });
});
