/** Lowerings of unary, binary and selecting kernels. */

import type { Value } from '../onnx/graph-builder.ts';
import type { OnnxType } from '../onnx/model.ts';
import { broadcastShape, input, type KernelCall, type Lowering } from './lowering.ts';

function unary(
  opType: string,
  attributes?: (attrs: KernelCall['attrs']) => Record<string, { float: number }>,
): Lowering {
  return call => {
    const x = input(call, 'x');
    return call.graph.emit(opType, [x], x.shape, x.dtype, { attributes: attributes?.(call.attrs) ?? {} });
  };
}

function binary(opType: string, outputType?: OnnxType): Lowering {
  return call => {
    const [a, b] = [input(call, 'a'), input(call, 'b')];
    return call.graph.emit(opType, [a, b], broadcastShape(a.shape, b.shape), outputType ?? a.dtype);
  };
}

/**
 * The remainder with the sign of the divisor, as in tfjs and Python; integer division by zero gives 0, as there.
 * Division by 0 and of the lowest integer by -1 would end the process inside ONNX Runtime: both are divided by 1.
 */
function integerParts({ graph }: KernelCall, a: Value, b: Value) {
  const shape = broadcastShape(a.shape, b.shape);
  const ofB = (opType: string, dtype: OnnxType, ...operands: Value[]) => graph.emit(opType, operands, b.shape, dtype);
  const number = (value: number) => graph.scalar(value, 'int32');
  const unsafe = ofB('And', 'bool', ofB('Less', 'bool', b, number(1)), ofB('Greater', 'bool', b, number(-2)));
  const divisor = ofB('Where', 'int32', unsafe, number(1), b);
  const remainder = graph.emit('Mod', [a, divisor], shape, 'int32');
  return { shape, divisor, remainder, factor: ofB('Where', 'int32', unsafe, b, number(1)) };
}

/** Division rounding down, always to int32. */
const floorDiv: Lowering = call => {
  const { graph } = call;
  const [a, b] = [input(call, 'a'), input(call, 'b')];
  if (a.dtype !== 'int32') {
    const quotient = binary('Div')(call) as Value;
    return graph.cast(graph.emit('Floor', [quotient], quotient.shape, quotient.dtype), 'int32');
  }
  const { shape, divisor, remainder, factor } = integerParts(call, a, b);
  const whole = graph.emit('Sub', [a, remainder], shape, 'int32');
  return graph.emit('Mul', [graph.emit('Div', [whole, divisor], shape, 'int32'), factor], shape, 'int32');
};

const mod: Lowering = call => {
  const { graph } = call;
  const [a, b] = [input(call, 'a'), input(call, 'b')];
  if (a.dtype === 'int32') return integerParts(call, a, b).remainder;
  const shape = broadcastShape(a.shape, b.shape);
  const quotient = graph.emit('Floor', [graph.emit('Div', [a, b], shape, a.dtype)], shape, a.dtype);
  return graph.emit('Sub', [a, graph.emit('Mul', [quotient, b], shape, a.dtype)], shape, a.dtype);
};

/** The angle of the point (b, a): atan(a / b), turned by half a circle where b < 0, and straight up or down where b is 0. */
const atan2: Lowering = call => {
  const { graph } = call;
  const [a, b] = [input(call, 'a'), input(call, 'b')];
  const shape = broadcastShape(a.shape, b.shape);
  const zero = graph.scalar(0);
  const one = (opType: string, ...operands: Value[]) => graph.emit(opType, operands, shape, 'float32');
  const sign = graph.emit('Sign', [a], a.shape, 'float32');
  const below = graph.emit('Less', [a, zero], a.shape, 'bool');
  const turn = graph.emit('Where', [below, graph.scalar(-Math.PI), graph.scalar(Math.PI)], a.shape, 'float32');
  const right = one('Atan', one('Div', a, b));
  const left = one('Add', right, turn);
  const sided = one('Where', graph.emit('Less', [b, zero], b.shape, 'bool'), left, right);
  const upright = one('Mul', one('Expand', sign, graph.ints(shape)), graph.scalar(Math.PI / 2));
  return one('Where', graph.emit('Equal', [b, zero], b.shape, 'bool'), upright, sided);
};

const squaredDifference: Lowering = call => {
  const difference = binary('Sub')(call) as Value;
  return call.graph.emit('Mul', [difference, difference], difference.shape, difference.dtype);
};

const notEqual: Lowering = call => {
  const equal = binary('Equal', 'bool')(call) as Value;
  return call.graph.emit('Not', [equal], equal.shape, 'bool');
};

const square: Lowering = call => {
  const x = input(call, 'x');
  return call.graph.emit('Mul', [x, x], x.shape, x.dtype);
};

const rsqrt: Lowering = call => {
  const x = input(call, 'x');
  const root = call.graph.emit('Sqrt', [x], x.shape, x.dtype);
  return call.graph.emit('Reciprocal', [root], x.shape, x.dtype);
};

const expm1: Lowering = call => {
  const x = input(call, 'x');
  const exp = call.graph.emit('Exp', [x], x.shape, x.dtype);
  return call.graph.emit('Sub', [exp, call.graph.scalar(1)], x.shape, x.dtype);
};

const log1p: Lowering = call => {
  const x = input(call, 'x');
  const sum = call.graph.emit('Add', [x, call.graph.scalar(1)], x.shape, x.dtype);
  return call.graph.emit('Log', [sum], x.shape, x.dtype);
};

/** 1 where x > 0, `alpha` elsewhere, NaN stays NaN. */
const step: Lowering = call => {
  const { graph } = call;
  const x = input(call, 'x');
  const positive = graph.emit('Greater', [x, graph.cast(graph.scalar(0), x.dtype)], x.shape, 'bool');
  const alpha = graph.cast(graph.scalar(call.attrs['alpha'] as number), x.dtype);
  const stepped = graph.emit('Where', [positive, graph.cast(graph.scalar(1), x.dtype), alpha], x.shape, x.dtype);
  if (x.dtype !== 'float32') return stepped;
  return graph.emit('Where', [graph.emit('IsNaN', [x], x.shape, 'bool'), x, stepped], x.shape, x.dtype);
};

const clip: Lowering = call => {
  const { graph } = call;
  const x = input(call, 'x');
  const bound = (name: string) => graph.scalar(call.attrs[name] as number, x.dtype === 'int32' ? 'int32' : 'float32');
  return graph.emit('Clip', [x, bound('clipValueMin'), bound('clipValueMax')], x.shape, x.dtype);
};

const relu6: Lowering = call => {
  const x = input(call, 'x');
  return call.graph.emit('Clip', [x, call.graph.scalar(0), call.graph.scalar(6)], x.shape, x.dtype);
};

const test =
  (opType: 'IsNaN' | 'IsInf'): Lowering =>
  call => {
    const x = input(call, 'x');
    return call.graph.emit(opType, [x], x.shape, 'bool');
  };

const finite: Lowering = call => {
  const { graph } = call;
  const x = input(call, 'x');
  const bad = [graph.emit('IsNaN', [x], x.shape, 'bool'), graph.emit('IsInf', [x], x.shape, 'bool')];
  return graph.emit('Not', [graph.emit('Or', bad, x.shape, 'bool')], x.shape, 'bool');
};

/** tfjs's condition has the shape of the branches, or is a vector over their first axis. */
const select: Lowering = call => {
  const { graph } = call;
  const [t, e] = [input(call, 't'), input(call, 'e')];
  let condition = input(call, 'condition');
  if (condition.shape.length === 1 && t.shape.length > 1) {
    condition = graph.reshape(condition, [condition.shape[0]!, ...t.shape.slice(1).map(() => 1)]);
  }
  return graph.emit('Where', [graph.cast(condition, 'bool'), t, e], t.shape, t.dtype);
};

/** Casts as tfjs does: to bool is "not zero", float to int32 drops the fraction. */
const cast: Lowering = call => {
  const x = input(call, 'x');
  const dtype = call.attrs['dtype'];
  if (dtype !== 'float32' && dtype !== 'int32' && dtype !== 'bool') {
    throw new TypeError(`Cast to ${String(dtype)} has no ONNX lowering; float32, int32 and bool have`);
  }
  return call.graph.cast(x, dtype);
};

const filled =
  (value: number): Lowering =>
  ({ graph, inputs }) => {
    const x = inputs['x']!;
    const scalar = graph.scalar(value, x.dtype === 'int32' || x.dtype === 'bool' ? x.dtype : 'float32');
    return graph.emit('Expand', [scalar, graph.ints(x.shape)], x.shape, x.dtype);
  };

const addN: Lowering = ({ graph, inputs }) => {
  const terms = Object.values(inputs);
  const { shape, dtype } = terms[0]!;
  if (dtype === 'float32') return graph.emit('Sum', terms, shape, dtype);
  // ONNX's Sum takes floats only.
  return terms.reduce((total, term) => graph.emit('Add', [total, term], shape, dtype));
};

/** dy where y > 0, dy (y + 1) elsewhere: the gradient of Elu from its output. */
const eluGrad: Lowering = call => {
  const { graph } = call;
  const [dy, y] = [input(call, 'dy'), input(call, 'y')];
  const positive = graph.emit('GreaterOrEqual', [y, graph.scalar(0)], y.shape, 'bool');
  const slope = graph.emit('Add', [y, graph.scalar(1)], y.shape, y.dtype);
  const scaled = graph.emit('Mul', [dy, slope], y.shape, y.dtype);
  return graph.emit('Where', [positive, dy, scaled], y.shape, y.dtype);
};

const prelu: Lowering = call => {
  const [x, alpha] = [input(call, 'x'), input(call, 'alpha')];
  return call.graph.emit('PRelu', [x, alpha], x.shape, x.dtype);
};

const alpha = (attrs: KernelCall['attrs']) => ({ alpha: { float: attrs['alpha'] as number } });

export const elementwise = {
  Abs: unary('Abs'),
  Acos: unary('Acos'),
  Acosh: unary('Acosh'),
  Asin: unary('Asin'),
  Asinh: unary('Asinh'),
  Atan: unary('Atan'),
  Atanh: unary('Atanh'),
  Ceil: unary('Ceil'),
  Cos: unary('Cos'),
  Cosh: unary('Cosh'),
  Elu: unary('Elu'),
  Erf: unary('Erf'),
  Exp: unary('Exp'),
  Floor: unary('Floor'),
  LeakyRelu: unary('LeakyRelu', alpha),
  Log: unary('Log'),
  LogicalNot: unary('Not'),
  Neg: unary('Neg'),
  Reciprocal: unary('Reciprocal'),
  Relu: unary('Relu'),
  Round: unary('Round'),
  Selu: unary('Selu'),
  Sigmoid: unary('Sigmoid'),
  Sign: unary('Sign'),
  Sin: unary('Sin'),
  Sinh: unary('Sinh'),
  Softplus: unary('Softplus'),
  Sqrt: unary('Sqrt'),
  Tan: unary('Tan'),
  Tanh: unary('Tanh'),
  Identity: call => input(call, 'x'),
  Cast: cast,
  ClipByValue: clip,
  Expm1: expm1,
  Log1p: log1p,
  Relu6: relu6,
  Rsqrt: rsqrt,
  Square: square,
  Step: step,
  IsNan: test('IsNaN'),
  IsInf: test('IsInf'),
  IsFinite: finite,
  Add: binary('Add'),
  Sub: binary('Sub'),
  Multiply: binary('Mul'),
  RealDiv: binary('Div'),
  Pow: binary('Pow'),
  Maximum: binary('Max'),
  Minimum: binary('Min'),
  Mod: mod,
  Atan2: atan2,
  FloorDiv: floorDiv,
  SquaredDifference: squaredDifference,
  Equal: binary('Equal', 'bool'),
  NotEqual: notEqual,
  Greater: binary('Greater', 'bool'),
  GreaterEqual: binary('GreaterOrEqual', 'bool'),
  Less: binary('Less', 'bool'),
  LessEqual: binary('LessOrEqual', 'bool'),
  LogicalAnd: binary('And', 'bool'),
  LogicalOr: binary('Or', 'bool'),
  AddN: addN,
  EluGrad: eluGrad,
  Prelu: prelu,
  Select: select,
  ZerosLike: filled(0),
  OnesLike: filled(1),
} satisfies Record<string, Lowering>;
