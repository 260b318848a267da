import * as tf from '@tensorflow/tfjs';
import { Value } from 'typebox/value';
import { describe, expect, test } from 'vitest';
import { freshParams } from '../../test/support/networks.ts';
import { largestDifference, wave } from '../../test/support/tensors.ts';
import { countParams } from '../nn/params.ts';
import {
  type JointUvitConfig,
  type JointUvitInputs,
  jointUvit,
  jointUvitConfigSchema,
  jointUvitSpec,
  type UvitConfig,
  uvit,
  uvitConfigSchema,
  uvitSpec,
} from './index.ts';
import { patchify, resizePositions, unpatchify } from './patches.ts';

const tiny: JointUvitConfig = {
  latentSize: 4,
  latentChannels: 3,
  patchSize: 2,
  width: 8,
  depth: 2,
  heads: 2,
  mlpRatio: 2,
  clipDim: 5,
  textDim: 3,
  textTokens: 4,
};

const unidiffuser: JointUvitConfig = {
  latentSize: 64,
  latentChannels: 4,
  patchSize: 2,
  width: 1536,
  depth: 30,
  heads: 24,
  mlpRatio: 4,
  clipDim: 512,
  textDim: 64,
  textTokens: 77,
};

/** Larger than a fresh network, so that every part has a visible effect. */
const factor = 10;

const inputsFor = (config: JointUvitConfig, batch = 2, side = config.latentSize): JointUvitInputs => ({
  image: wave([batch, config.latentChannels, side, side]),
  clipImage: wave([batch, 1, config.clipDim], 1),
  text: wave([batch, config.textTokens, config.textDim], 2),
  imageTime: tf.range(1, batch + 1).mul(100),
  textTime: tf.range(1, batch + 1).mul(300),
});

describe('the joint predictor', () => {
  const params = freshParams(jointUvitSpec(tiny), { factor });

  test('it smooths its image by a final convolution where it has one', () => {
    const config = { ...tiny, finalConv: true };
    const { finalConv, ...others } = freshParams(jointUvitSpec(config), { factor });
    const inputs = inputsFor(config);
    const plain = jointUvit(others, inputs, tiny);
    const smoothed = jointUvit({ ...others, finalConv: finalConv! }, inputs, config);
    expect(smoothed.image.shape).toEqual(inputs.image.shape);
    expect(largestDifference(smoothed.text, plain.text)).toBe(0);
    // A convolution that takes each pixel as it is changes nothing.
    const channels = config.latentChannels;
    const centre = tf.tensor(
      Array.from({ length: channels ** 2 * 9 }, (_, at) => (at % ((channels + 1) * 9) === 4 ? 1 : 0)),
    );
    const identity = { weight: centre.reshape(finalConv!.weight.shape), bias: tf.zeros([channels]) };
    const same = jointUvit({ ...others, finalConv: identity }, inputs, config);
    expect(largestDifference(same.image, plain.image)).toBeLessThan(1e-6);
    expect(largestDifference(smoothed.image, plain.image)).toBeGreaterThan(1e-3);
  });

  // Numbers of the original networks (docs/reference/unidiffuser.md, "Sizes").
  test('has as many parameters as UniDiffuser v0 and v1', () => {
    expect(countParams(jointUvitSpec(unidiffuser))).toBe(952_504_912);
    expect(countParams(jointUvitSpec({ ...unidiffuser, dataTypeToken: true }))).toBe(952_509_520);
  });

  test('predicts in the shapes of its inputs, also for images of other sizes, wide and high', () => {
    for (const shape of [
      [4, 4],
      [8, 8],
      [2, 6],
    ]) {
      const image = wave([2, 3, ...shape]);
      const outputs = jointUvit(params, { ...inputsFor(tiny), image }, tiny);
      expect(outputs.image.shape).toEqual(image.shape);
      expect(outputs.clipImage.shape).toEqual([2, 1, 5]);
      expect(outputs.text.shape).toEqual([2, 4, 3]);
    }
  });

  test('treats the samples of a batch independently', () => {
    const inputs = inputsFor(tiny, 3);
    const all = jointUvit(params, inputs, tiny);
    const second = jointUvit(
      params,
      mapInputs(inputs, tensor => tensor.slice(1, 1)),
      tiny,
    );
    expect(largestDifference(all.image.slice(1, 1), second.image)).toBeLessThan(1e-5);
    expect(largestDifference(all.text.slice(1, 1), second.text)).toBeLessThan(1e-5);
  });

  test('every input matters to every output', () => {
    const inputs = inputsFor(tiny);
    const before = jointUvit(params, inputs, tiny);
    for (const name of ['image', 'clipImage', 'text', 'imageTime', 'textTime'] as const) {
      const after = jointUvit(params, { ...inputs, [name]: inputs[name].add(0.5) }, tiny);
      for (const part of ['image', 'clipImage', 'text'] as const) {
        expect(largestDifference(before[part], after[part]), `${name} -> ${part}`).toBeGreaterThan(1e-6);
      }
    }
  });

  test('data types: curated is the default, web differs', () => {
    const config = { ...tiny, dataTypeToken: true };
    const params = freshParams(jointUvitSpec(config), { factor });
    const image = (type?: number) => {
      const dataType = type === undefined ? undefined : tf.fill([2], type, 'int32');
      return jointUvit(params, { ...inputsFor(config), dataType }, config).image;
    };
    expect(largestDifference(image(), image(1))).toBe(0);
    expect(largestDifference(image(0), image(1))).toBeGreaterThan(1e-4);
  });

  test('inputs that do not fit are refused with their name', () => {
    const inputs = inputsFor(tiny);
    const run = (changed: Partial<JointUvitInputs>) => () => jointUvit(params, { ...inputs, ...changed }, tiny);
    expect(run({ text: wave([2, 5, 3]) })).toThrow(/text must be \[2,4,3\]/);
    expect(run({ imageTime: wave([1]) })).toThrow(/imageTime/);
    expect(run({ image: wave([2, 3, 5, 4]) })).toThrow(/multiples of the patch size 2/);
  });

  test('the schema refuses odd depths and unknown keys', () => {
    expect(Value.Check(jointUvitConfigSchema, tiny)).toBe(true);
    expect(Value.Check(jointUvitConfigSchema, { ...tiny, depth: 3 })).toBe(false);
    expect(Value.Check(jointUvitConfigSchema, { ...tiny, layers: 3 })).toBe(false);
  });
});

function mapInputs(inputs: JointUvitInputs, f: (tensor: tf.Tensor) => tf.Tensor): JointUvitInputs {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, tensor]) => [name, f(tensor)]),
  ) as unknown as JointUvitInputs;
}

describe('the plain network', () => {
  const small: UvitConfig = {
    latentSize: 32,
    latentChannels: 3,
    patchSize: 2,
    width: 512,
    depth: 12,
    heads: 8,
    mlpRatio: 4,
    finalConv: true,
  };
  const latent = { latentChannels: 4, context: { dim: 768, tokens: 77 } };
  const huge = { ...small, latentChannels: 4, width: 1152, depth: 28, heads: 16, classes: 1001, finalConv: false };

  // Numbers of the original networks (docs/reference/unidiffuser.md, "Sizes").
  test.each([
    ['CIFAR10 S/2', small, 44_255_328],
    ['CelebA64 S/4', { ...small, latentSize: 64, patchSize: 4 }, 44_292_228],
    ['ImageNet64 M/4', { ...small, latentSize: 64, patchSize: 4, width: 768, depth: 16, classes: 1000 }, 130_940_292],
    ['ImageNet256 H/2', huge, 500_832_016],
    ['ImageNet512 H/4', { ...huge, latentSize: 64, patchSize: 4 }, 500_942_656],
    ['COCO S/2', { ...small, ...latent }, 44_692_644],
    ['COCO S/2 deep', { ...small, ...latent, depth: 16 }, 58_345_636],
  ] as const)('%s has as many parameters as the original', (_, config, expected) => {
    expect(countParams(uvitSpec(config))).toBe(expected);
  });

  test('the schema takes every variant and refuses unknown keys', () => {
    for (const config of [small, huge, { ...small, ...latent, skip: false, timeMlp: true, qkvBias: true }]) {
      expect(Value.Check(uvitConfigSchema, config)).toBe(true);
    }
    expect(Value.Check(uvitConfigSchema, { ...small, conv: true })).toBe(false);
  });

  test('a missing condition or another image size is refused', () => {
    const config = { ...small, latentSize: 4, width: 8, depth: 2, heads: 2, classes: 3 };
    const params = freshParams(uvitSpec(config), { factor });
    const inputs = { image: wave([1, 3, 4, 4]), time: wave([1]) };
    expect(() => uvit(params, inputs, config)).toThrow(/needs the input "label"/);
    expect(() => uvit(params, { ...inputs, image: wave([1, 3, 8, 8]) }, config)).toThrow(/\[1,3,4,4\]/);
  });
});

describe('patches', () => {
  test('unpatchify is the inverse of patchify, but for the order within a patch', () => {
    const x = wave([2, 3, 4, 6]);
    const { patches, grid } = patchify(x, 2);
    expect(patches.shape).toEqual([2, 6, 12]);
    const channelLast = patches.reshape([2, 6, 3, 4]).transpose([0, 1, 3, 2]).reshape([2, 6, 12]);
    expect(largestDifference(unpatchify(channelLast, grid, 2), x)).toBe(0);
  });

  test('resizing keeps constants and, away from the edges, linear functions', () => {
    const grid = { rows: 6, columns: 3 };
    const positions = tf.stack([tf.ones([9]), tf.range(0, 9).div(3).floor()], 1); // [9, (1, row)]
    const resized = resizePositions(positions, 3, grid).arraySync() as number[][];
    expect(resized).toHaveLength(18);
    for (const [i, [one, row]] of resized.entries()) {
      expect(one).toBeCloseTo(1, 6);
      const centre = (Math.floor(i / 3) + 0.5) / 2 - 0.5;
      expect(row).toBeCloseTo(Math.min(Math.max(centre, 0), 2), 6);
    }
  });
});
