/** Records a program into an ONNX model, for inputs of concrete shapes. */
import type * as tf from '@tensorflow/tfjs';
import { DuetError } from '../../core/errors.ts';
import { type DType, type HostTensor, isTensorSource, type TensorSource } from '../../core/host-tensor.ts';
import { flattenTree, mapTree, type Tree } from '../../core/tree.ts';
import { checkNextState } from '../inputs.ts';
import { isTensor } from '../is-tensor.ts';
import type { Value } from '../onnx/graph-builder.ts';
import type { OnnxModel, OnnxValueInfo } from '../onnx/model.ts';
import type { CompileSpec, Program, TensorRecord } from '../types.ts';
import { withRecorder } from './recording-backend.ts';

export interface OutputInfo {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Name of the graph's output. */
  readonly value: string;
}

export interface Recording {
  readonly model: OnnxModel;
  readonly outputs: Readonly<Record<string, OutputInfo>>;
  /** Graph output that becomes the named resident graph input after each run. */
  readonly feedback: Readonly<Record<string, string>>;
}

/** Beginnings of the graph names of what stays with the session between runs. */
export const residentPrefix = { params: 'params/', state: 'state/' } as const;

/** Graph names of what stays with the session between runs. */
export const residentName = {
  params: (name: string) => `${residentPrefix.params}${name}`,
  state: (name: string) => `${residentPrefix.state}${name}`,
};

/** The tensors of `spec` that are held in memory by the session rather than mapped from a file, by graph input name. */
export function residentsOf(spec: CompileSpec): Record<string, HostTensor> {
  const residents: Record<string, HostTensor> = {};
  for (const kind of ['params', 'state'] as const) {
    for (const [name, source] of Object.entries(flattenTree(spec[kind] ?? {}, isTensorSource))) {
      if ('data' in source) residents[residentName[kind](name)] = source;
      else if (kind === 'state')
        throw new DuetError(
          'invalid-argument',
          `State "${name}" must be given as values, not as a file region: it changes`,
        );
    }
  }
  return residents;
}

/** Runs `program` once on the recording backend with inputs of the given shapes. */
export function record<P, S>(
  name: string,
  program: Program<P, S>,
  spec: CompileSpec,
  inputShapes: Readonly<Record<string, readonly number[]>>,
): Recording {
  return withRecorder(recorder => {
    const { graph } = recorder;
    const graphInputs: OnnxValueInfo[] = [];
    const graphInput = (inputName: string, shape: readonly number[], dtype: DType): Value => {
      graphInputs.push({ name: inputName, type: dtype, shape });
      return { name: inputName, shape, dtype };
    };
    const leaf = (kind: 'params' | 'state') => (source: TensorSource, path: string) => {
      if ('data' in source) return recorder.tensorOf(graphInput(residentName[kind](path), source.shape, source.dtype));
      const { byteLength, offset, storedAs } = source;
      const region = { location: source.file.split(/[\\/]/).at(-1)!, offset, byteLength, storedAs };
      return recorder.tensorOf(graph.external(residentName[kind](path), source.shape, source.dtype, region));
    };
    const tensors = (kind: 'params' | 'state') => mapTree(spec[kind] ?? {}, isTensorSource, leaf(kind));
    const inputs: TensorRecord = {};
    for (const [inputName, { dtype }] of Object.entries(spec.inputs)) {
      inputs[inputName] = recorder.tensorOf(graphInput(`inputs/${inputName}`, inputShapes[inputName]!, dtype));
    }
    const result = program({ params: tensors('params') as P, state: tensors('state') as S, inputs });

    const taken = new Set<string>([...graphInputs, ...graph.initializers].map(value => value.name));
    const graphOutputs: OnnxValueInfo[] = [];
    const output = (tensor: tf.Tensor): Value => {
      const value = recorder.graphValue(tensor);
      // An output must be a node's own: inputs, constants and values given twice are copied.
      const own = taken.has(value.name) ? graph.emit('Identity', [value], value.shape, value.dtype) : value;
      taken.add(own.name);
      graphOutputs.push({ name: own.name, type: own.dtype, shape: own.shape });
      return own;
    };
    const outputs = Object.fromEntries(
      Object.entries(result.outputs).map(([outputName, tensor]) => {
        const value = output(tensor);
        return [outputName, { dtype: value.dtype as DType, shape: value.shape, value: value.name }];
      }),
    );
    return {
      model: {
        name,
        nodes: graph.nodes,
        initializers: graph.initializers,
        inputs: graphInputs,
        outputs: graphOutputs,
        values: graph.values,
      },
      outputs,
      feedback: feedbackOf(spec, result.state as Tree<tf.Tensor> | undefined, output),
    };
  });
}

function feedbackOf(
  spec: CompileSpec,
  next: Tree<tf.Tensor> | undefined,
  output: (tensor: tf.Tensor) => Value,
): Record<string, string> {
  const after = flattenTree(next ?? {}, isTensor);
  checkNextState(flattenTree(spec.state ?? {}, isTensorSource), after);
  return Object.fromEntries(
    Object.entries(after).map(([name, tensor]) => [residentName.state(name), output(tensor).name]),
  );
}
