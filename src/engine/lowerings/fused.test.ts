import type * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import {
  between,
  check,
  floats,
  forward,
  type KernelCase,
  testKernels,
  wave,
  within,
} from '../../../test/support/kernel-table.ts';
import {
  type AttentionOptions,
  attention,
  gelu,
  groupNorm,
  layerNorm,
  rmsNorm,
  rotary,
  silu,
} from '../../ops/index.ts';
import { fused } from './fused.ts';

const approximations = ['erf', 'tanh', 'quick'] as const;
const upTo = (max: number, min = 1) => fc.integer({ min, max });

interface AttentionShape {
  readonly batch: number;
  readonly queries: number;
  readonly keys: number;
  readonly heads: number;
  readonly width: number;
}

/** q, k and v, and a mask of the given shape where there is one. */
function attend(
  { batch, queries, keys, heads, width }: AttentionShape,
  options: Partial<Pick<AttentionOptions, 'causal' | 'scale'>> = {},
  mask?: readonly number[],
): KernelCase {
  const shape = (length: number) => [batch, length, heads * width];
  const inputs = [wave(shape(queries)), wave(shape(keys), 1), wave(shape(keys), 2)];
  if (mask) inputs.push(wave(mask, 0.5, 2));
  return check((q, k, v, bias) => attention(q!, k!, v!, { heads, ...options, ...(bias && { mask: bias }) }), ...inputs);
}

const size: AttentionShape = { batch: 2, queries: 3, keys: 5, heads: 2, width: 4 };
const attentionSamples = fc
  .sample(
    fc.record({
      shape: fc.record({ batch: upTo(3), queries: upTo(4), keys: upTo(6, 4), heads: upTo(3), width: upTo(4) }),
      causal: fc.boolean(),
      masked: fc.constantFrom('none', 'shared', 'full'),
    }),
    { numRuns: 12, seed: 13 },
  )
  .map(({ shape, causal, masked }) => {
    const { batch, heads, queries, keys } = shape;
    const masks = { none: undefined, shared: [1, 1, 1, keys], full: [batch, heads, queries, keys] };
    return attend(shape, { causal }, masks[masked as keyof typeof masks]);
  });

/** Padding: the last two keys are hidden by a mask of minus infinity or of a large negative number. */
const hidden = (value: number) => ({ ...floats(0, 0, 0, value, value), shape: [1, 1, 1, 5] });
const padded = (value: number) => ({
  ...forward(
    (q, k, v, mask) => attention(q!, k!, v!, { heads: 2, mask: mask! }),
    wave([2, 3, 8]),
    wave([2, 5, 8], 1),
    wave([2, 5, 8], 2),
    hidden(value),
  ),
});

const activation = (f: (x: tf.Tensor) => tf.Tensor): KernelCase[] => [
  check(f, between(-4, 4, [2, 3, 5])),
  check(f, wave([])),
  check(f, floats(-100, -20, -10, 0, 10, 20, 100)),
  forward(f, floats(Number.NaN, 1, 1e20, -1e20)),
  forward(f, wave([0, 3])),
];

const norm: KernelCase[] = within(
  2e-5,
  check(
    (x, weight, bias) => layerNorm(x!, { weight: weight!, bias: bias! }),
    wave([2, 3, 8]),
    wave([8], 1),
    wave([8], 2),
  ),
  check((x, weight) => layerNorm(x!, { weight: weight! }), wave([4, 5]), wave([5], 1)),
  check(x => layerNorm(x!), wave([2, 3, 4])),
  check(
    (x, weight, bias) => layerNorm(x!, { weight: weight!, bias: bias!, epsilon: 0.1 }),
    wave([6]),
    wave([6], 1),
    wave([6], 2),
  ),
  forward(x => layerNorm(x!), wave([2, 6], 0, 1e-4)),
  forward(x => layerNorm(x!), wave([2, 6], 0, 1e4)),
  forward(x => layerNorm(x!), { ...floats(3, 3, 3, 3, 1, Number.NaN), shape: [3, 2] }),
);

const groups: KernelCase[] = within(
  2e-5,
  ...[
    { shape: [2, 4, 3, 3], groups: 2 },
    { shape: [1, 6, 2, 5], groups: 3 },
    { shape: [2, 4, 2, 2], groups: 4 },
    { shape: [3, 2, 1, 2], groups: 1 },
  ].map(({ shape, groups }) =>
    check(
      (x, weight, bias) => groupNorm(x!, { weight: weight!, bias: bias!, groups }),
      wave(shape),
      wave([shape[1]!], 1),
      wave([shape[1]!], 2),
    ),
  ),
);

const rms: KernelCase[] = within(
  2e-5,
  check((x, weight) => rmsNorm(x!, weight!, 1e-6), wave([2, 3, 8]), wave([8], 1)),
  check((x, weight) => rmsNorm(x!, weight!, 0.1), wave([6]), wave([6], 1)),
  check((x, weight) => rmsNorm(x!, weight!, 1e-5), wave([4, 1]), wave([1], 1)),
  forward((x, weight) => rmsNorm(x!, weight!, 1e-6), wave([2, 6], 0, 1e-4), wave([6])),
  forward((x, weight) => rmsNorm(x!, weight!, 1e-6), wave([2, 6], 0, 1e4), wave([6])),
  forward((x, weight) => rmsNorm(x!, weight!, 1e-6), { ...floats(0, 0, 1, Number.NaN), shape: [2, 2] }, wave([2])),
);

/** Of each shape [B, N, heads d]. */
const turned: KernelCase[] = [
  { shape: [2, 3, 8], half: 2 },
  { shape: [1, 1, 6], half: 3 },
  { shape: [3, 5, 4], half: 1 },
].map(({ shape: [batch, length, width], half }) => ({
  f: (x, cos, sin) => rotary(x!, cos!, sin!),
  inputs: [wave([batch!, length!, width!]), wave([batch!, length!, half]), wave([batch!, length!, half], 1)],
  gradients: [0],
}));

testKernels(fused, {
  DuetAttention: within(
    1e-5,
    attend(size),
    attend(size, { causal: true }),
    attend(size, { scale: 0.3 }),
    attend(size, {}, [2, 1, 1, 5]),
    attend(size, {}, [1, 2, 3, 5]),
    attend(size, { causal: true }, [2, 1, 1, 5]),
    attend({ ...size, queries: 5 }, { causal: true }),
    attend({ ...size, queries: 1, keys: 1 }, { causal: true }),
    padded(Number.NEGATIVE_INFINITY),
    padded(-1e9),
    ...attentionSamples,
  ),
  DuetLayerNorm: norm,
  DuetGroupNorm: groups,
  DuetRmsNorm: rms,
  DuetRotary: turned,
  // The erf of tfjs's JavaScript backend is good to 1.5e-7.
  DuetGelu: within(5e-6, ...approximations.flatMap(approximation => activation(x => gelu(x, approximation)))),
  DuetGeluGrad: within(5e-6, ...approximations.flatMap(approximation => activation(x => gelu(x, approximation)))),
  DuetSilu: within(5e-6, ...activation(silu)),
});
