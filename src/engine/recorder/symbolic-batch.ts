/**
 * One graph for every batch size. tfjs programs see concrete shapes only, so the program is recorded at two batch sizes
 * and the recordings are compared: where they differ, a number follows the batch. Such numbers occur in shape-like
 * constants (targets of Reshape and Expand, ends of Slice), which become small computations on the run's batch size.
 */

import { inputShapes } from '../inputs.ts';
import type { OnnxInitializer, OnnxNode } from '../onnx/model.ts';
import type { CompileSpec, Program } from '../types.ts';
import { type Recording, record } from './record.ts';

/** Two primes that no model's own dimensions are likely to be multiples of. */
const probes = [1009, 1013] as const;
const batchValue = 'batch_size';

/**
 * A recording whose batch axis is symbolic, or `undefined` if the program depends on the batch size in a way that is
 * not a multiple of it in a shape (a loss that divides by it, say): then each batch size needs a recording of its own.
 */
export function recordSymbolic<P, S>(name: string, program: Program<P, S>, spec: CompileSpec): Recording | undefined {
  const source = Object.entries(spec.inputs).flatMap(([input, { shape }]) => {
    const axis = shape.indexOf('batch');
    return axis < 0 ? [] : [{ input: `inputs/${input}`, axis }];
  })[0];
  if (!source) return undefined;
  const recordings = recordProbes(name, program, spec);
  if (!recordings) return undefined;
  const [first, second] = recordings;
  if (JSON.stringify(first.model.nodes) !== JSON.stringify(second.model.nodes)) return undefined;

  const others = new Map(second.model.initializers.map(initializer => [initializer.name, initializer]));
  const fixed: OnnxInitializer[] = [];
  const computed: OnnxNode[] = [];
  for (const initializer of first.model.initializers) {
    const other = others.get(initializer.name);
    if (other && sameContent(initializer, other)) {
      fixed.push(initializer);
      continue;
    }
    const factors = other && batchFactors(initializer, other);
    if (!factors) return undefined;
    const built = shapeComputation(initializer.name, factors);
    fixed.push(...built.constants);
    computed.push(...built.nodes);
  }
  const readBatch = node('Shape', `${batchValue}_of`, [source.input], batchValue, {
    start: source.axis,
    end: source.axis + 1,
  });
  return {
    ...first,
    model: {
      ...first.model,
      nodes: computed.length > 0 ? [readBatch, ...computed, ...first.model.nodes] : first.model.nodes,
      initializers: fixed,
      inputs: first.model.inputs.map(input => ({ ...input, shape: symbolicShape(input.name, input.shape, spec) })),
      outputs: first.model.outputs.map((output, index) => ({
        ...output,
        shape: output.shape.map((dimension, axis) =>
          dimension === second.model.outputs[index]!.shape[axis] ? dimension : `${output.name}_${axis}`,
        ),
      })),
    },
  };
}

/** `undefined` if the program refuses a probe (it halves its batch, say): a recording at the real size decides what is wrong. */
function recordProbes<P, S>(
  name: string,
  program: Program<P, S>,
  spec: CompileSpec,
): [first: Recording, second: Recording] | undefined {
  try {
    const [first, second] = probes.map(size => record(name, program, spec, inputShapes(spec.inputs, size)));
    return [first!, second!];
  } catch {
    return undefined;
  }
}

function symbolicShape(
  name: string,
  shape: readonly (number | string)[],
  { inputs }: CompileSpec,
): (number | string)[] {
  const declared = name.startsWith('inputs/') ? inputs[name.slice('inputs/'.length)]?.shape : undefined;
  return shape.map((dimension, axis) => (declared?.[axis] === 'batch' ? 'batch' : dimension));
}

function sameContent(a: OnnxInitializer, b: OnnxInitializer): boolean {
  if (a.type !== b.type || a.shape.join() !== b.shape.join()) return false;
  if (!(a.data instanceof Uint8Array) || !(b.data instanceof Uint8Array))
    return JSON.stringify(a.data) === JSON.stringify(b.data);
  return Buffer.compare(a.data, b.data) === 0;
}

/** Each entry as a plain number or as a multiple of the batch; `undefined` if an entry is neither. */
function batchFactors(
  a: OnnxInitializer,
  b: OnnxInitializer,
): ({ constant: bigint } | { timesBatch: bigint })[] | undefined {
  if (a.type !== 'int64' || a.shape.length !== 1 || a.shape.join() !== b.shape.join()) return undefined;
  const [first, second] = [a, b].map(({ data }) => new BigInt64Array((data as Uint8Array).slice().buffer)) as [
    BigInt64Array,
    BigInt64Array,
  ];
  const factors = [...first].map((value, index) => {
    if (value === second[index]) return { constant: value };
    const factor = value / BigInt(probes[0]);
    const multiple = factor * BigInt(probes[0]) === value && factor * BigInt(probes[1]) === second[index];
    return multiple ? { timesBatch: factor } : undefined;
  });
  return factors.every(factor => factor !== undefined) ? factors : undefined;
}

/** Nodes that compute the shape constant `name` from the batch size: [constants and multiples] joined by Concat. */
function shapeComputation(
  name: string,
  factors: readonly ({ constant: bigint } | { timesBatch: bigint })[],
): { nodes: OnnxNode[]; constants: OnnxInitializer[] } {
  const nodes: OnnxNode[] = [];
  const constants: OnnxInitializer[] = [];
  const constant = (id: string, value: bigint): string => {
    const data = new Uint8Array(BigInt64Array.of(value).buffer);
    constants.push({ name: id, type: 'int64', shape: [1], data });
    return id;
  };
  const parts = factors.map((factor, index) => {
    const id = `${name}_${index}`;
    if ('constant' in factor) return constant(id, factor.constant);
    if (factor.timesBatch === 1n) return batchValue;
    nodes.push(node('Mul', `${id}_of`, [batchValue, constant(`${id}_factor`, factor.timesBatch)], id));
    return id;
  });
  nodes.push(node('Concat', `${name}_of`, parts, name, { axis: 0 }));
  return { nodes, constants };
}

function node(
  opType: string,
  name: string,
  inputs: readonly string[],
  output: string,
  attributes: Record<string, number> = {},
): OnnxNode {
  return { opType, domain: '', name, inputs, outputs: [output], attributes };
}
