import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HostTensor } from '../../core/host-tensor.ts';
import { encodeFrame, FrameReader } from './frames.ts';

interface Frame {
  readonly header: unknown;
  readonly tensors: Record<string, HostTensor>;
}

/** The frames in `bytes`, which arrive in chunks of `sizes` (again from the start when they run out). */
function read(bytes: Uint8Array, sizes: readonly number[]): Frame[] {
  const frames: Frame[] = [];
  const reader = new FrameReader<unknown>((header, tensors) => frames.push({ header, tensors }));
  for (let start = 0, turn = 0; start < bytes.length; turn++) {
    const size = sizes[turn % sizes.length]!;
    reader.push(bytes.subarray(start, start + size));
    start += size;
  }
  return frames;
}

const tensor: fc.Arbitrary<HostTensor> = fc.oneof(
  fc.float32Array({ maxLength: 40 }).map(data => ({ dtype: 'float32' as const, shape: [data.length], data })),
  fc.int32Array({ maxLength: 40 }).map(data => ({ dtype: 'int32' as const, shape: [1, data.length], data })),
  fc.uint8Array({ maxLength: 9 }).map(data => ({ dtype: 'bool' as const, shape: [data.length, 1], data })),
);
const frame = fc.record({
  header: fc.record({ kind: fc.string({ unit: 'grapheme' }), id: fc.nat() }, { noNullPrototype: true }),
  tensors: fc.dictionary(
    fc.string({ minLength: 1 }).filter(name => name !== '__proto__'),
    tensor,
    { maxKeys: 4, noNullPrototype: true },
  ),
});

describe('frames', () => {
  test('come out as they went in, whatever the chunks', () => {
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 4 }),
        fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }),
        (sent, sizes) => {
          const bytes = Buffer.concat(sent.flatMap(({ header, tensors }) => encodeFrame(header, tensors)));
          expect(read(bytes, sizes)).toEqual(sent);
        },
      ),
    );
  });

  test('take the part of a larger array that a view shows', () => {
    const data = Float32Array.of(1, 2, 3, 4).subarray(1, 3);
    const bytes = Buffer.concat(encodeFrame({}, { x: { dtype: 'float32', shape: [2], data } }));
    expect(read(bytes, [7])[0]?.tensors['x']?.data).toEqual(Float32Array.of(2, 3));
  });

  test('that do not begin with the mark are an error', () => {
    expect(() => read(Buffer.from('Warning: this is no frame'), [100])).toThrow('carries no frame');
  });
});
