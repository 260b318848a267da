import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import {
  between,
  bools,
  check,
  extremes,
  floats,
  forward,
  ints,
  type KernelCase,
  testKernels,
  wave,
} from '../../../test/support/kernel-table.ts';
import { elementwise } from './elementwise.ts';

type Unary = (x: tf.Tensor) => tf.Tensor;
type Binary = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;

const empty = wave([0, 3]);
const scalar = wave([], 0.4);

/** The usual list for one operand: regular, batch, scalar, empty, and forward only the extremes. */
function unary(f: Unary, low = -2, high = 2): KernelCase[] {
  const inside = (shape: number[], phase = 0) => between(low, high, shape, phase);
  return [
    check(f, inside([2, 3, 4])),
    check(f, inside([], 0.4)),
    check(f, inside([7], 1)),
    forward(f, empty),
    forward(f, extremes),
  ];
}

/** Forward only: the kernel's gradient is zero everywhere, or tfjs has none. */
function flat(f: Unary): KernelCase[] {
  return unary(f).map(item => ({ ...item, gradients: [] }));
}

const ones = [1, 1];
/** Pairs of shapes that broadcast: seeded samples, the same at every run. */
const broadcasts = fc.sample(
  fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 2 })), { maxLength: 4 }).chain(axes =>
    fc.tuple(fc.nat(axes.length), fc.nat(axes.length)).map(([cutA, cutB]) => ({
      a: axes.slice(Math.min(cutA, cutB) === cutA ? 0 : cutA).map(([size, one]) => (one === 1 ? 1 : size)),
      b: axes.slice(Math.min(cutA, cutB) === cutA ? cutB : 0).map(([size, one]) => (one === 2 ? 1 : size)),
    })),
  ),
  { numRuns: 8, seed: 7 },
);

function binary(f: Binary, a = { low: -2, high: 2 }, b = a): KernelCase[] {
  const left = (shape: number[]) => between(a.low, a.high, shape);
  const right = (shape: number[]) => between(b.low, b.high, shape, 2);
  return [
    check(f, left([2, 3]), right([2, 3])),
    check(f, left([2, 1, 3]), right([4, 1])),
    check(f, left([]), right([5])),
    check(f, left([3]), right([])),
    forward(f, empty, wave([3])),
    ...broadcasts.map(shapes => check(f, left(shapes.a), right(shapes.b))),
  ];
}

/** tfjs's gradients of these kernels do not undo broadcasting. */
function unbroadcast(f: Binary): KernelCase[] {
  return binary(f).map(item => {
    const [a, b] = item.inputs;
    return `${a!.shape}` === `${b!.shape}` ? item : { ...item, gradients: [] };
  });
}

/** Every extreme value against every other. */
const grid: [a: typeof extremes, b: typeof extremes] = [{ ...extremes, shape: [extremes.data.length, 1] }, extremes];

const small = ints([7], -7, -3, -1, 0, 2, 5, 9);
const divisors = ints([2, 1], 3, -4);

function comparison(f: Binary): KernelCase[] {
  return [
    ...binary(f).map(item => ({ ...item, gradients: [] })),
    forward(f, ...grid),
    forward(f, small, ints([2, 1], 2, -1)),
    forward(f, floats(1, 2, 3), floats(1, 3, 2)),
  ];
}

const truth = [bools([2, 1], 0, 1), bools([2], 0, 1)] as const;

testKernels(elementwise, {
  Abs: [...unary(tf.abs), forward(tf.abs, small)],
  Acos: unary(tf.acos, -0.9, 0.9),
  Acosh: unary(tf.acosh, 1.1, 4),
  Asin: unary(tf.asin, -0.9, 0.9),
  Asinh: unary(tf.asinh),
  Atan: unary(tf.atan),
  Atanh: unary(tf.atanh, -0.9, 0.9),
  Ceil: unary(tf.ceil),
  Cos: unary(tf.cos),
  Cosh: unary(tf.cosh),
  Elu: unary(tf.elu),
  Erf: unary(tf.erf),
  Exp: unary(tf.exp),
  Floor: unary(tf.floor),
  LeakyRelu: [...unary(x => tf.leakyRelu(x, 0.1)), ...unary(x => tf.leakyRelu(x))],
  Log: unary(tf.log, 0.1, 3),
  LogicalNot: [forward(tf.logicalNot, truth[1])],
  Neg: [...unary(tf.neg), forward(tf.neg, small)],
  Reciprocal: unary(tf.reciprocal, 0.5, 2),
  Relu: [...unary(tf.relu), forward(tf.relu, small)],
  Round: [...unary(tf.round), forward(tf.round, floats(0.5, 1.5, 2.5, -0.5, -1.5))],
  Selu: unary(tf.selu),
  Sigmoid: unary(tf.sigmoid),
  // tfjs's JavaScript backend says that the sign of NaN is 0; TensorFlow and ONNX Runtime keep NaN.
  Sign: [...unary(tf.sign).slice(0, -1), forward(tf.sign, floats(...extremes.data.slice(0, -1)))],
  Sin: unary(tf.sin),
  Sinh: unary(tf.sinh),
  Softplus: unary(tf.softplus),
  Sqrt: unary(tf.sqrt, 0.1, 3),
  Tan: unary(tf.tan, -1, 1),
  Tanh: unary(tf.tanh),
  Identity: unary(tf.clone),
  Cast: [
    check(x => x.cast('float32').mul(2), wave([3])),
    forward(x => x.cast('int32'), floats(-2.7, -0.5, 0, 0.5, 2.7)),
    forward(x => x.cast('bool'), floats(-2.7, -0, 0, 0.5, Number.NaN, Number.POSITIVE_INFINITY)),
    forward(x => x.cast('float32'), small),
    forward(x => x.cast('bool'), small),
    forward(x => x.cast('float32'), truth[0]),
    forward(x => x.cast('int32'), truth[0]),
  ],
  ClipByValue: [...unary(x => tf.clipByValue(x, -0.5, 1.2)), forward(x => tf.clipByValue(x, -2, 3), small)],
  Expm1: unary(tf.expm1),
  Log1p: unary(tf.log1p, -0.5, 2),
  Relu6: unary(tf.relu6, -3, 9),
  Rsqrt: unary(tf.rsqrt, 0.2, 3),
  Square: [...unary(tf.square), forward(tf.square, small)],
  Step: [...unary(tf.step), ...flat(x => tf.step(x, 0.3))],
  IsNan: flat(tf.isNaN),
  IsInf: flat(tf.isInf),
  IsFinite: flat(tf.isFinite),
  Add: [...binary(tf.add), forward(tf.add, ...grid), forward(tf.add, small, divisors)],
  Sub: [...binary(tf.sub), forward(tf.sub, ...grid), forward(tf.sub, small, divisors)],
  Multiply: [...binary(tf.mul), forward(tf.mul, ...grid), forward(tf.mul, small, divisors)],
  RealDiv: [...binary(tf.div, { low: -2, high: 2 }, { low: 0.5, high: 2 }), forward(tf.div, ...grid)],
  Pow: [
    ...binary(tf.pow, { low: 0.3, high: 2 }, { low: -2, high: 2 }),
    forward(tf.pow, ints([2], -2, 3), ints([2, 1], 2, 3)),
  ],
  Maximum: [...unbroadcast(tf.maximum), forward(tf.maximum, small, divisors)],
  Minimum: [...unbroadcast(tf.minimum), forward(tf.minimum, small, divisors)],
  Mod: [
    ...binary(tf.mod, { low: -4, high: 4 }, { low: 0.7, high: 1.6 }),
    forward(tf.mod, floats(-5, -1, 5, 1), floats(3, -3, -3, 3)),
    forward(tf.mod, small, divisors),
    forward(tf.mod, ints([4], 7, -2147483648, -2147483648, 2147483647), ints([4], 0, -1, 2, -3)),
  ],
  Atan2: [
    ...binary(tf.atan2),
    forward(tf.atan2, floats(0, 0, 0, 1, -1, 1, -1, Number.NaN), floats(1, 0, -1, 0, 0, -1, -1, 1)),
  ],
  FloorDiv: [
    forward(tf.floorDiv, small, divisors),
    forward(tf.floorDiv, ints([4], 7, -2147483648, -2147483648, 2147483647), ints([4], 0, -1, 1, -1)),
    forward(tf.floorDiv, between(-4, 4, [6]), between(0.7, 1.6, [6], 2)),
    forward(tf.floorDiv, ints([2], 16777217, 2147483647), ints([], 1)),
  ],
  SquaredDifference: unbroadcast(tf.squaredDifference),
  Equal: [...comparison(tf.equal), forward(tf.equal, ...truth)],
  NotEqual: [...comparison(tf.notEqual), forward(tf.notEqual, ...truth)],
  Greater: comparison(tf.greater),
  GreaterEqual: comparison(tf.greaterEqual),
  Less: comparison(tf.less),
  LessEqual: comparison(tf.lessEqual),
  LogicalAnd: [forward(tf.logicalAnd, ...truth)],
  LogicalOr: [forward(tf.logicalOr, ...truth), forward(tf.logicalXor, ...truth)],
  AddN: [
    check((...xs) => tf.addN(xs), wave([2, 3]), wave([2, 3], 1), wave([2, 3], 2)),
    check(x => tf.addN([x]), wave([2])),
    forward((...xs) => tf.addN(xs), ints(ones, 3), ints(ones, 4)),
  ],
  EluGrad: [check(tf.elu, between(-3, 3, [20]))],
  Prelu: [
    check(tf.prelu, between(-3, 3, [2, 5]), between(0.1, 0.4, [5])),
    check(tf.prelu, between(-3, 3, [4, 2, 5]), between(0.1, 0.4, [2, 1])),
  ],
  Select: [
    check(
      (a, b, condition) => tf.where(condition, a, b),
      wave([2, 3]),
      wave([2, 3], 1),
      bools([2, 3], 1, 0, 1, 0, 0, 1),
    ),
    check((a, b, condition) => tf.where(condition, a, b), wave([2, 1]), wave([3], 1), bools([2, 3], 1, 0, 1, 0, 0, 1)),
    check((a, b, condition) => tf.where(condition, a, b), wave([2, 3]), wave([2, 3], 1), bools([2, 1], 1, 0)),
    forward((a, b) => tf.where(tf.greater(a, b), a, b), wave([4]), scalar),
    forward((a, b, condition) => tf.where(condition, a, b), small, small, bools([7], 1, 0, 1, 0, 0, 1, 1)),
    forward((a, condition) => tf.where(condition, tf.zerosLike(a), a), extremes, bools([17], ...Array(17).fill(1))),
  ],
  ZerosLike: [
    check(x => tf.zerosLike(x).add(x), wave([2, 3])),
    forward(tf.zerosLike, small),
    forward(tf.zerosLike, extremes),
  ],
  OnesLike: [
    check(x => tf.onesLike(x).add(x), wave([2, 3])),
    forward(tf.onesLike, small),
    forward(tf.onesLike, truth[0]),
  ],
});
