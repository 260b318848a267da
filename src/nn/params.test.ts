import type * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { float32 } from '../core/host-tensor.ts';
import { seededRandom } from '../core/random.ts';
import { compile, type Program } from '../engine/index.ts';
import { fillParams, initialise, ones, type Params, zeros } from './params.ts';

function layerSpec({ bias }: { readonly bias: boolean }) {
  return { layers: [{ weight: zeros([2, 3]), ...(bias && { bias: zeros([3]) }) }], scale: ones([1]) };
}

const spec = layerSpec({ bias: true });
const vector = (length: number) => float32([length], new Float32Array(length));
const weight = float32([2, 3], new Float32Array(6));

describe('fillParams', () => {
  test('gives the tree of the spec, typed as the spec is', () => {
    const tensors = { 'layers.0.weight': weight, 'layers.0.bias': vector(3), scale: vector(1) };
    const params = fillParams(spec, tensors, 'x');
    expect(params).toEqual({ layers: [{ weight, bias: vector(3) }], scale: vector(1) });
    expect(params.layers[0]!.weight.data).toBe(weight.data);
    // @ts-expect-error the spec has no such parameter
    expect(params.shift).toBeUndefined();
  });

  test('takes one part of a model by its prefix', () => {
    const tensors = { 'text.layers.0.weight': weight, 'text.scale': vector(1), 'vision.scale': vector(9) };
    const part = fillParams(layerSpec({ bias: false }), tensors, 'x', 'text.');
    expect(part.scale).toBe(tensors['text.scale']);
  });

  test('lists what is missing, unknown, and of another type or shape', () => {
    const wrong = { dtype: 'int32', shape: [3], data: new Int32Array(3) } as const;
    const tensors = { 'layers.0.weight': vector(6), 'layers.0.bias': wrong, toString: vector(1) };
    expect(() => fillParams(spec, tensors, 'a.safetensors')).toThrow(
      'a.safetensors does not fit its configuration: 1 parameters are missing (scale), 1 are unknown (toString), ' +
        '2 have another type or shape (layers.0.weight is float32 [6] instead of float32 [2, 3], ' +
        'layers.0.bias is int32 [3] instead of float32 [3])',
    );
  });
});

test('compile takes the parameters of its program and no others', () => {
  const program: Program<Params<typeof spec>, undefined> = ({ params, inputs }) => ({
    outputs: { y: (inputs['x'] as tf.Tensor).matMul(params.layers[0]!.weight).mul(params.scale) },
  });
  const params = initialise(spec, seededRandom(1));
  const inputs = { x: { dtype: 'float32', shape: ['batch', 2] } } as const;
  const typed = [
    () => compile(program, { params, inputs }),
    // @ts-expect-error scale is missing
    () => compile(program, { params: { layers: params.layers }, inputs }),
    // @ts-expect-error a layer is no tensor
    () => compile(program, { params: { ...params, scale: params.layers[0]! }, inputs }),
  ];
  expect(typed).toHaveLength(3);
});
