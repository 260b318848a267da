/**
 * Precision `int8`: the large linear layers of a recorded graph multiply integers of 8 bits. Weights are rounded once,
 * when ONNX Runtime folds the constants of a graph that it loads, with a scale for each output feature; activations at
 * every run, with one scale for all rows of the call. So a row's result depends slightly on the rows beside it.
 */
import type { OnnxInitializer, OnnxModel, OnnxNode } from '../onnx/model.ts';
import { typeCodes } from '../onnx/model.ts';
import { residentPrefix } from './record.ts';

/** Narrower layers (to and from patches, embeddings) take little time and matter much for the result, so they stay in float32. */
const narrowest = 192;
/** The largest integer used; -128 is not, so that zero is in the middle. */
const largest = 127;
/** Scale of a feature whose weights are all zero. */
const smallestScale = 1e-20;

/** `model` with every wide product of activations and a parameter in integers. */
export function toInt8(model: OnnxModel): OnnxModel {
  const weights = weightShapes(model);
  const wide = (node: OnnxNode) => {
    const shape = node.opType === 'Gemm' && !node.attributes['transA'] && !node.attributes['transB'];
    return shape && weights.get(node.inputs[1]!)?.every(side => side >= narrowest);
  };
  const rounded = [...new Set(model.nodes.filter(wide).map(({ inputs }) => inputs[1]!))];
  const nodes = model.nodes.map(node => (wide(node) ? product(node) : node));
  // Behind the nodes that widen weights stored in half precision, which come before their first use.
  const firstUse = (weight: string) => nodes.findIndex(({ inputs }) => inputs.some(name => name === `${weight}/int8`));
  for (const weight of rounded) nodes.splice(firstUse(weight), 0, ...rounding(weight));
  return { ...model, nodes, initializers: [...model.initializers, ...(rounded.length > 0 ? constants : [])] };
}

/** Two-dimensional parameters by the name that products use. */
function weightShapes({ nodes, initializers, inputs }: OnnxModel): Map<string, readonly number[]> {
  const matrices = [...initializers, ...inputs].flatMap(({ name, shape }): [string, readonly number[]][] =>
    name.startsWith(residentPrefix.params) && shape.length === 2 ? [[name, shape as readonly number[]]] : [],
  );
  const shapes = new Map(matrices);
  for (const { opType, inputs: given, outputs } of nodes) {
    const shape = opType === 'Cast' && shapes.get(given[0]!);
    if (shape) shapes.set(outputs[0]!, shape);
  }
  return shapes;
}

/** x weight + bias with a rounded weight. */
function product({ inputs: [x, weight, bias], name, outputs }: OnnxNode): OnnxNode {
  const inputs = [x!, `${weight}/int8`, `${weight}/scale`, ...(bias ? ['', bias] : [])];
  return { opType: 'DynamicQuantizeMatMul', domain: 'com.microsoft', name, inputs, outputs, attributes: {} };
}

/** weight [I, O] -> int8 [I, O] and its scale [O]. */
function rounding(weight: string): OnnxNode[] {
  const value = (name: string) => `${weight}/${name}`;
  const one = (
    opType: string,
    inputs: string[],
    output: string,
    attributes: OnnxNode['attributes'] = {},
  ): OnnxNode => ({
    opType,
    domain: '',
    name: value(`${output}_of`),
    inputs,
    outputs: [value(output)],
    attributes,
  });
  return [
    one('Abs', [weight], 'size'),
    one('ReduceMax', [value('size'), 'int8/axes'], 'largest', { keepdims: 0 }),
    one('Div', [value('largest'), 'int8/largest'], 'step'),
    one('Max', [value('step'), 'int8/smallest'], 'scale'),
    one('Div', [weight, value('scale')], 'steps'),
    one('Round', [value('steps')], 'whole'),
    one('Cast', [value('whole')], 'int8', { to: typeCodes.int8 }),
  ];
}

const scalar = (name: string, value: number): OnnxInitializer => ({
  name,
  type: 'float32',
  shape: [],
  data: new Uint8Array(Float32Array.of(value).buffer),
});

const constants: readonly OnnxInitializer[] = [
  { name: 'int8/axes', type: 'int64', shape: [1], data: new Uint8Array(BigInt64Array.of(0n).buffer) },
  scalar('int8/largest', largest),
  scalar('int8/smallest', smallestScale),
];
