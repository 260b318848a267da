/** Recorded graphs as text, one line a node, beside the .onnx file that viewers like Netron open. */
import { copyFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { makeFolder } from '../../core/folders.ts';
import type { AttributeValue, OnnxInitializer, OnnxModel, OnnxNode, OnnxValueInfo } from '../onnx/model.ts';
import { debugFolder } from './debug-switch.ts';

/** Constants of more elements than this are shown without their values. */
const shownElements = 8;

/** Writes `model`, which lies encoded in `modelFile`, to `folder` as .onnx and .txt. Returns the path of the text. */
export async function dumpGraph(model: OnnxModel, modelFile: string, folder = debugFolder()): Promise<string> {
  await makeFolder(folder);
  const copy = join(folder, basename(modelFile));
  const text = copy.replace(/\.onnx$/, '.txt');
  await copyFile(modelFile, copy);
  await writeFile(text, graphText(model));
  return text;
}

/** Inputs, constants, nodes and outputs of `model`, one a line. What is known of a node's outputs is their type and shape. */
export function graphText(model: OnnxModel): string {
  const known = new Map(
    [...model.inputs, ...model.outputs, ...(model.values ?? [])].map(value => [value.name, typeText(value)]),
  );
  const sections = {
    inputs: model.inputs.map(value => `${value.name}: ${typeText(value)}`),
    constants: model.initializers.map(constantText),
    nodes: model.nodes.map(node => nodeText(node, known)),
    outputs: model.outputs.map(value => `${value.name}: ${typeText(value)}`),
  };
  const lines = Object.entries(sections).flatMap(([title, entries]) => [
    `${title} (${entries.length})`,
    ...entries.map(entry => `  ${entry}`),
  ]);
  return `graph ${JSON.stringify(model.name)}\n${lines.join('\n')}\n`;
}

function nodeText(node: OnnxNode, known: ReadonlyMap<string, string>): string {
  const outputs = node.outputs.map(name => (known.has(name) ? `${name} ${known.get(name)}` : name));
  const attributes = Object.entries(node.attributes).map(([name, value]) => `${name} = ${attributeText(value)}`);
  const op = node.domain === '' ? node.opType : `${node.domain}.${node.opType}`;
  const inputs = node.inputs.map(name => name || '(none)');
  return `${outputs.join(', ')} = ${op}(${[...inputs, ...attributes].join(', ')})`;
}

function attributeText(value: AttributeValue): string {
  if (typeof value === 'object' && 'float' in value) return `${value.float}`;
  return JSON.stringify(value);
}

function typeText({ type, shape }: Pick<OnnxValueInfo, 'type' | 'shape'>): string {
  return `${type} [${shape.join(', ')}]`;
}

function constantText(constant: OnnxInitializer): string {
  const { name, data } = constant;
  const head = `${name}: ${typeText(constant)}`;
  if (!(data instanceof Uint8Array)) return `${head} in ${data.location}, ${data.byteLength} bytes at ${data.offset}`;
  const values = elementsOf(constant, data);
  return values && values.length <= shownElements ? `${head} = ${values.join(', ')}` : head;
}

/** The elements of a constant of a type that JavaScript has arrays of. */
function elementsOf({ type }: OnnxInitializer, data: Uint8Array): readonly (number | bigint)[] | undefined {
  const { buffer } = data.slice();
  switch (type) {
    case 'float32':
      return [...new Float32Array(buffer)];
    case 'int32':
      return [...new Int32Array(buffer)];
    case 'int64':
      return [...new BigInt64Array(buffer)];
    case 'int8':
      return [...new Int8Array(buffer)];
    case 'uint8':
    case 'bool':
      return [...data];
    default:
      return undefined;
  }
}
