import { describe, expect, it } from 'vitest';
import { clipTextSpec, clipVisionSpec } from '../../clip/index.ts';
import { float32, type HostTensor } from '../../core/host-tensor.ts';
import { flattenTree, type Tree } from '../../core/tree.ts';
import { captionDecoderSpec, type Gpt2Config, gpt2Spec } from '../../lm/index.ts';
import { isParamSpec, type ParamSpec } from '../../nn/params.ts';
import { captionDecoderRules } from './caption-decoder.ts';
import { activationOf, clipTextRules, clipVisionRules } from './clip.ts';
import { gpt2Rules } from './gpt2.ts';
import { lastAxisPart, type NameRule, transposeLinear } from './name-map.ts';

const tower = { width: 4, layers: 2, heads: 2, mlpWidth: 8, activation: 'erf', epsilon: 1e-5 } as const;
const gpt2: Gpt2Config = { ...tower, vocabularySize: 7, positions: 5 };
const text = { ...tower, vocabularySize: 7, positions: 5 };
const vision = { ...tower, imageSize: 4, patchSize: 2, channels: 3 };
const decoder = { prefixLength: 2, stateWidth: 4, latentWidth: 3, gpt2 };

const families: readonly [string, Tree<ParamSpec>, NameRule[]][] = [
  ['clip text', clipTextSpec(text), clipTextRules(text)],
  ['clip text, projected', clipTextSpec({ ...text, projection: 3 }), clipTextRules({ ...text, projection: 3 })],
  ['clip vision', clipVisionSpec({ ...vision, projection: 3 }), clipVisionRules({ ...vision, projection: 3 })],
  ['gpt2', gpt2Spec(gpt2), gpt2Rules(gpt2)],
  ['caption decoder', captionDecoderSpec(decoder), captionDecoderRules(decoder)],
];

describe('rules', () => {
  it.each(families)('of %s name every parameter exactly once', (_, spec, rules) => {
    const ours = rules.map(rule => rule.ours).sort();
    expect(ours).toEqual(Object.keys(flattenTree(spec, isParamSpec)).sort());
  });
  it('know the activations of transformers', () => {
    expect(activationOf('quick_gelu')).toBe('quick');
    expect(() => activationOf('relu')).toThrow(/"relu" is not one of/);
  });
});

describe('transforms', () => {
  const tensor = (shape: number[]): HostTensor =>
    float32(
      shape,
      Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => i),
    );
  it('transpose [out, in], a convolution included', () => {
    expect(transposeLinear.apply([tensor([2, 3])])).toEqual(float32([3, 2], Float32Array.of(0, 3, 1, 4, 2, 5)));
    expect(transposeLinear.apply([tensor([2, 3, 2, 2])]).shape).toEqual([12, 2]);
  });
  it('take fused tensors apart along the last axis', () => {
    expect(lastAxisPart(1, 3).apply([tensor([2, 6])])).toEqual(float32([2, 2], Float32Array.of(2, 3, 8, 9)));
    expect(lastAxisPart(2, 3).apply([tensor([6])])).toEqual(float32([2], Float32Array.of(4, 5)));
  });
});
