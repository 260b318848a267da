import type * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { wave } from '../../../test/support/kernel-table.ts';
import { linear } from '../../ops/index.ts';
import { toInt8 } from '../recorder/int8.ts';
import { Recordings } from '../recorder/recordings.ts';
import type { CompileSpec, Program } from '../types.ts';
import { graphText } from './graph-dump.ts';

type Params = { weight: tf.Tensor2D; bias: tf.Tensor1D };

const spec: CompileSpec<Params> = {
  params: {
    weight: { dtype: 'float32', shape: [192, 192], file: '/models/w.safetensors', offset: 80, byteLength: 147456 },
    bias: wave([192]),
  },
  inputs: { x: { dtype: 'float32', shape: ['batch', 3, 192] } },
};

const program: Program<Params, unknown> = ({ params: { weight, bias }, inputs: { x } }) => ({
  outputs: { y: linear(x!, weight, bias).reshape([-1, 32]).softmax().add(0.5) },
});

const recorded = () => new Recordings('my net', program, spec as CompileSpec).at({ batch: 2 }).model;

test('a graph as text: sections, one line a node, named dimensions, attributes, constants, regions of files', () => {
  const { nodes, initializers } = recorded();
  const lines = graphText(recorded()).split('\n');
  expect(lines[0]).toBe('graph "my net"');
  expect(lines).toContain('inputs (2)');
  expect(lines).toContain('  inputs/x: float32 [batch, 3, 192]');
  expect(lines).toContain('  params/bias: float32 [192]');
  expect(lines).toContain('  params/weight: float32 [192, 192] in w.safetensors, 147456 bytes at 80');
  expect(lines).toContainEqual(expect.stringMatching(/^ {2}constant_\d+: float32 \[\] = 0.5$/));
  expect(lines).toContain(`constants (${initializers.length})`);
  const start = lines.indexOf(`nodes (${nodes.length})`);
  expect(lines.indexOf('outputs (1)')).toBe(start + nodes.length + 1);
  const text = lines.slice(start + 1, start + 1 + nodes.length);
  expect(text).toContainEqual(
    expect.stringMatching(
      /^ {2}Gemm_\d+:0 float32 \[\?, 192\] = Gemm\(Reshape_0:0, params\/weight, params\/bias, transA = 0, transB = 0\)$/,
    ),
  );
  // Three or six rows for each of the batch are no dimension with a name.
  expect(text).toContainEqual(expect.stringMatching(/:0 float32 \[\?, 32\] = Softmax\(.*, axis = 1\)$/));
  expect(text).toContainEqual(expect.stringMatching(/:0 float32 \[batch, 3, 192\] = Reshape\(/));
});

test('of a graph in int8, and of one for fixed sizes', () => {
  expect(graphText(toInt8(recorded()))).toContain('= com.microsoft.DynamicQuantizeMatMul(');
  const fixed = new Recordings('net', program, { ...spec, state: {} } as CompileSpec).at({ batch: 2 }).model;
  expect(graphText(fixed)).toContain('Gemm_1:0 float32 [6, 192]');
});
