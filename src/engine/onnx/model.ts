/** An ONNX model as plain data and its encoding. Field numbers from onnx.proto (ONNX IR version 10). */
import type { DType, HalfFloat } from '../../core/host-tensor.ts';
import { ProtobufWriter } from './protobuf.ts';

export type OnnxType = DType | HalfFloat | 'int64' | 'uint8' | 'int8';
export type AttributeValue = number | string | readonly number[] | { readonly float: number };

export interface OnnxNode {
  readonly opType: string;
  readonly domain: string;
  readonly name: string;
  /** An empty string stands for an absent optional input. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** A plain number is an ONNX INT, `{ float }` a FLOAT, an array INTS. */
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

/** A named constant: bytes in the model itself, or a region of a file beside it. */
export interface OnnxInitializer {
  readonly name: string;
  readonly type: OnnxType;
  readonly shape: readonly number[];
  readonly data: Uint8Array | { readonly location: string; readonly offset: number; readonly byteLength: number };
}

/** A graph input or output. A string in the shape names a dimension known only at run time. */
export interface OnnxValueInfo {
  readonly name: string;
  readonly type: OnnxType;
  readonly shape: readonly (number | string)[];
}

export interface OnnxModel {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxInitializer[];
  readonly inputs: readonly OnnxValueInfo[];
  readonly outputs: readonly OnnxValueInfo[];
  /** What is known of the values between nodes, for readers: it is not encoded. */
  readonly values?: readonly OnnxValueInfo[];
}

/** Newest operator set whose operators we emit (Gelu needs 20). */
const opsetVersion = 21;
/** TensorProto.DataType. */
export const typeCodes = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  bfloat16: 16,
} as const satisfies Record<OnnxType, number>;
const attributeKinds = { float: 1, int: 2, string: 3, ints: 7 } as const;

/** Encodes `model` as a ModelProto. */
export function encodeModel(model: OnnxModel): Uint8Array {
  return new ProtobufWriter()
    .int(1, 10)
    .string(2, 'duet')
    .message(7, graph => writeGraph(graph, model))
    .message(8, opset => opset.string(1, '').int(2, opsetVersion))
    .message(8, opset => opset.string(1, 'com.microsoft').int(2, 1))
    .finish();
}

function writeGraph(writer: ProtobufWriter, model: OnnxModel): void {
  for (const node of model.nodes) writer.message(1, nested => writeNode(nested, node));
  writer.string(2, model.name);
  for (const initializer of model.initializers) writer.message(5, nested => writeInitializer(nested, initializer));
  for (const input of model.inputs) writer.message(11, nested => writeValueInfo(nested, input));
  for (const output of model.outputs) writer.message(12, nested => writeValueInfo(nested, output));
}

function writeNode(writer: ProtobufWriter, node: OnnxNode): void {
  for (const input of node.inputs) writer.string(1, input);
  for (const output of node.outputs) writer.string(2, output);
  writer.string(3, node.name).string(4, node.opType);
  for (const [name, value] of Object.entries(node.attributes)) {
    writer.message(5, nested => writeAttribute(nested, name, value));
  }
  if (node.domain !== '') writer.string(7, node.domain);
}

function writeAttribute(writer: ProtobufWriter, name: string, value: AttributeValue): void {
  writer.string(1, name);
  if (typeof value === 'number') writer.int(3, value).int(20, attributeKinds.int);
  else if (typeof value === 'string') writer.string(4, value).int(20, attributeKinds.string);
  else if ('float' in value) writer.float(2, value.float).int(20, attributeKinds.float);
  else {
    for (const item of value) writer.int(8, item);
    writer.int(20, attributeKinds.ints);
  }
}

function writeInitializer(writer: ProtobufWriter, { name, type, shape, data }: OnnxInitializer): void {
  for (const dimension of shape) writer.int(1, dimension);
  writer.int(2, typeCodes[type]).string(8, name);
  if (data instanceof Uint8Array) {
    writer.bytes(9, data);
    return;
  }
  const entries = { location: data.location, offset: `${data.offset}`, length: `${data.byteLength}` };
  for (const [key, value] of Object.entries(entries)) {
    writer.message(13, entry => entry.string(1, key).string(2, value));
  }
  writer.int(14, 1);
}

function writeValueInfo(writer: ProtobufWriter, { name, type, shape }: OnnxValueInfo): void {
  writer.string(1, name).message(2, typeProto =>
    typeProto.message(1, tensorType =>
      tensorType.int(1, typeCodes[type]).message(2, shapeProto => {
        for (const dimension of shape) {
          shapeProto.message(1, dim =>
            typeof dimension === 'number' ? dim.int(1, dimension) : dim.string(2, dimension),
          );
        }
      }),
    ),
  );
}
