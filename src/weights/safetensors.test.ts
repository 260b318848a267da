import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HostTensor, sizeOf } from '../core/host-tensor.ts';
import { loadSafetensors, openSafetensors, readSafetensorsHeader } from './safetensors.ts';
import { saveSafetensors } from './write-safetensors.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'duet-weights-'));
});
afterAll(() => rm(folder, { recursive: true }));

const fourFloats = new Uint8Array(new Float32Array([0, 1, 2, 3]).buffer);
const utf8 = (text: string) => new TextEncoder().encode(text);

/** A file from raw parts: `length` defaults to the header's own. */
function rawFile(header: string | Uint8Array, data: Uint8Array = fourFloats, length?: bigint): Uint8Array {
  const text = typeof header === 'string' ? utf8(header) : header;
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

let fileCount = 0;
async function stored(bytes: Uint8Array): Promise<string> {
  const file = join(folder, `${fileCount++}.safetensors`);
  await writeFile(file, bytes);
  return file;
}

const entry = (dtype: string, shape: string, offsets: string) =>
  `{"t":{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}}`;
const good = entry('F32', '[4]', '[0,16]');
const pair = (a: string, b: string) =>
  `{"a":{"dtype":"F32","shape":[1],"data_offsets":${a}},"b":{"dtype":"F32","shape":[1],"data_offsets":${b}}}`;

const corrupt: Record<string, [Uint8Array, RegExp]> = {
  'no bytes': [new Uint8Array(0), /0 bytes, too few/],
  'four bytes': [new Uint8Array(4), /4 bytes, too few/],
  'truncated header': [rawFile(good).slice(0, 30), /the file ends after 30 bytes/],
  'truncated data': [rawFile(good).slice(0, -5), /the file has/],
  'header length 2^60': [rawFile(good, fourFloats, 1n << 60n), /at most 100000000/],
  'header length 2^64-1': [rawFile(good, fourFloats, (1n << 64n) - 1n), /at most 100000000/],
  'header length over the limit': [rawFile(good, fourFloats, 200_000_000n), /at most 100000000/],
  'header length zero': [rawFile(good, fourFloats, 0n), /no JSON object/],
  'an HTML page': [utf8('<!DOCTYPE html><html><body>404</body></html>'), /looks like a text file/],
  'an LFS pointer': [utf8('version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n'), /Git LFS pointer/],
  'unterminated JSON': [rawFile(good.slice(0, -1)), /not valid UTF-8 JSON/],
  'invalid UTF-8': [rawFile(Uint8Array.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d])), /not valid UTF-8 JSON/],
  'an array': [rawFile('[1,2,3]'), /not a JSON object/],
  'a string': [rawFile('"abc"', new Uint8Array(0)), /not a JSON object/],
  'metadata not strings': [rawFile(`{"__metadata__":{"a":{"b":1}},${good.slice(1)}`), /"a" is not a string/],
  'metadata not an object': [rawFile(`{"__metadata__":[],${good.slice(1)}`), /__metadata__ is not an object/],
  'entry not an object': [rawFile('{"t":5}'), /not described by an object/],
  'no shape': [rawFile('{"t":{"dtype":"F32","data_offsets":[0,16]}}'), /shape undefined/],
  'no offsets': [rawFile('{"t":{"dtype":"F32","shape":[4]}}'), /offsets undefined/],
  'one offset': [rawFile(entry('F32', '[4]', '[0]')), /instead of \[begin, end\]/],
  'negative offset': [rawFile(entry('F32', '[4]', '[-16,0]')), /instead of \[begin, end\]/],
  'reversed offsets': [rawFile(entry('F32', '[4]', '[16,0]')), /its offsets give -16/],
  'offsets past the end': [rawFile(entry('F32', '[40]', '[0,160]')), /need \d+ bytes, the file has/],
  'overlapping tensors': [rawFile(pair('[0,4]', '[2,6]'), new Uint8Array(6)), /"b" overlaps/],
  'a hole': [rawFile(pair('[0,4]', '[12,16]')), /leaves bytes before it unused/],
  'trailing bytes': [rawFile(good, new Uint8Array(24)), /8 bytes follow its last tensor/],
  'size mismatch': [rawFile(entry('F32', '[5]', '[0,16]')), /needs 20 bytes, its offsets give 16/],
  'dtype size mismatch': [rawFile(entry('F16', '[4]', '[0,16]')), /needs 8 bytes, its offsets give 16/],
  'negative dimension': [rawFile(entry('F32', '[-4]', '[0,16]')), /list of whole numbers/],
  'two negative dimensions': [rawFile(entry('F32', '[-2,-2]', '[0,16]')), /list of whole numbers/],
  'fractional dimension': [rawFile(entry('F32', '[4.5]', '[0,16]')), /list of whole numbers/],
  'dimension as a string': [rawFile(entry('F32', '["4"]', '[0,16]')), /list of whole numbers/],
  'shape that overflows': [rawFile(entry('F32', '[4503599627370496,8]', '[0,16]')), /its offsets give 16/],
  'dimension beyond 2^53': [rawFile(entry('F32', '[4611686018427387904,8]', '[0,16]')), /list of whole numbers/],
  'unknown dtype': [rawFile(entry('F31', '[4]', '[0,16]')), /"F31"; known types are F64/],
  'dtype from the prototype': [rawFile(entry('toString', '[4]', '[0,16]')), /known types are/],
};

describe('corrupt files', () => {
  it.each(Object.entries(corrupt))('refuses %s', async (_name, [bytes, message]) => {
    const file = await stored(bytes);
    const refused = { code: 'invalid-weights', message: expect.stringMatching(message) };
    await expect(readSafetensorsHeader(file)).rejects.toMatchObject(refused);
    await expect(loadSafetensors(file)).rejects.toMatchObject(refused);
    await expect(openSafetensors(file)).rejects.toMatchObject(refused);
  });

  it('refuses a missing file and a folder', async () => {
    await expect(loadSafetensors(join(folder, 'absent'))).rejects.toMatchObject({ code: 'invalid-weights' });
    await expect(loadSafetensors(folder)).rejects.toMatchObject({ code: 'invalid-weights' });
  });

  it('never reads garbage as tensors or crashes on it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 80 }), async bytes => {
        const file = await stored(bytes);
        await expect(loadSafetensors(file)).rejects.toMatchObject({ code: 'invalid-weights' });
      }),
      { numRuns: 30 },
    );
  });
});

describe('odd but valid files', () => {
  it('reads padded, unordered and metadata-only headers', async () => {
    const padded = await loadSafetensors(await stored(rawFile(`${good}     `)));
    expect(padded.tensors['t']?.data).toEqual(new Float32Array([0, 1, 2, 3]));
    const unordered = await loadSafetensors(await stored(rawFile(pair('[4,8]', '[0,4]'), fourFloats.slice(0, 8))));
    expect(unordered.tensors['a']?.data[0]).toBe(1);
    const empty = await loadSafetensors(await stored(rawFile('{"__metadata__":{"a":"b"}}', new Uint8Array(0))));
    expect(empty).toEqual({ metadata: { a: 'b' }, tensors: {} });
  });

  it('converts every stored type', async () => {
    const cases: [string, ArrayBufferView, HostTensor['dtype'], number[]][] = [
      ['F64', new Float64Array([1 / 3, -2.5]), 'float32', [Math.fround(1 / 3), -2.5]],
      [
        'F16',
        new Uint16Array([0x3c00, 0x0001, 0xfc00, 0x7bff]),
        'float32',
        [1, 2 ** -24, Number.NEGATIVE_INFINITY, 65504],
      ],
      ['BF16', new Uint16Array([0x3f80, 0xc000, 0x7f80]), 'float32', [1, -2, Number.POSITIVE_INFINITY]],
      ['F8_E4M3', new Uint8Array([0x38, 0x7e, 0x7f, 0x01]), 'float32', [1, 448, Number.NaN, 2 ** -9]],
      [
        'F8_E5M2',
        new Uint8Array([0x3c, 0x7b, 0x7c, 0x81]),
        'float32',
        [1, 57344, Number.POSITIVE_INFINITY, -(2 ** -16)],
      ],
      ['I64', new BigInt64Array([-5n, 7n]), 'int32', [-5, 7]],
      ['I16', new Int16Array([-32768, 32767]), 'int32', [-32768, 32767]],
      ['I8', new Int8Array([-128, 127]), 'int32', [-128, 127]],
      ['U8', new Uint8Array([0, 200]), 'int32', [0, 200]],
      ['BOOL', new Uint8Array([0, 1, 9]), 'bool', [0, 1, 1]],
    ];
    for (const [dtype, view, expected, values] of cases) {
      const data = new Uint8Array(view.buffer);
      const file = await stored(rawFile(entry(dtype, `[${values.length}]`, `[0,${data.length}]`), data));
      const { tensors } = await loadSafetensors(file);
      expect([dtype, tensors['t']?.dtype, ...tensors['t']!.data]).toEqual([dtype, expected, ...values]);
    }
  });

  it('refuses whole numbers that do not fit', async () => {
    const data = new Uint8Array(new BigInt64Array([1n << 40n]).buffer);
    const file = await stored(rawFile(entry('I64', '[1]', '[0,8]'), data));
    await expect(loadSafetensors(file)).rejects.toThrow(/1099511627776, which does not fit int32/);
  });
});

const shapes = fc.array(fc.nat(4), { maxLength: 3 });
const tensors: fc.Arbitrary<HostTensor> = shapes.chain(shape => {
  const length = { minLength: sizeOf(shape), maxLength: sizeOf(shape) };
  return fc.oneof(
    fc.float32Array(length).map(data => ({ dtype: 'float32' as const, shape, data })),
    fc.int32Array(length).map(data => ({ dtype: 'int32' as const, shape, data })),
    fc.array(fc.nat(1), length).map(bits => ({ dtype: 'bool' as const, shape, data: Uint8Array.from(bits) })),
  );
});
const names = fc.string({ unit: 'grapheme' }).filter(name => name !== '__metadata__');

describe('writing', () => {
  it('returns what was written, bit by bit, in memory and as places in the file', async () => {
    const file = join(folder, 'round-trip.safetensors');
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(names, tensors, { maxKeys: 6 }),
        fc.dictionary(names, fc.string()),
        async (written, metadata) => {
          await saveSafetensors(file, written, { metadata });
          const loaded = await loadSafetensors(file);
          expect({ ...loaded.tensors }).toEqual({ ...written });
          expect({ ...loaded.metadata }).toEqual({ ...metadata });
          const bytes = await readFile(file);
          for (const [name, source] of Object.entries((await openSafetensors(file)).tensors)) {
            if (!('file' in source)) throw new Error(`${name} was not mapped`);
            const { buffer, byteOffset, byteLength } = written[name]!.data;
            const place = bytes.subarray(source.offset, source.offset + source.byteLength);
            expect(Buffer.compare(place, Buffer.from(buffer, byteOffset, byteLength))).toBe(0);
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it('begins the data at a multiple of 64 and aligns every tensor to its type', async () => {
    const file = join(folder, 'aligned.safetensors');
    const float = (length: number): HostTensor => ({
      dtype: 'float32',
      shape: [length],
      data: new Float32Array(length),
    });
    await saveSafetensors(file, {
      odd: { dtype: 'bool', shape: [3], data: new Uint8Array(3) },
      a: float(5),
      b: float(64),
    });
    const header = await readSafetensorsHeader(file);
    expect(header.tensors['b']!.offset % 64).toBe(0);
    expect(header.tensors['a']!.offset % 4).toBe(0);
  });

  it('keeps the upper halves of floats on request, rounding to the nearest even one', async () => {
    const file = join(folder, 'bfloat.safetensors');
    const data = new Float32Array([
      1 / 3,
      -2.5,
      1 + 2 ** -8,
      1 + 3 * 2 ** -8,
      3.39e38,
      -3.4028235e38,
      -1e-45,
      Number.NaN,
    ]);
    await saveSafetensors(file, { t: { dtype: 'float32', shape: [data.length], data } }, { floats: 'BF16' });
    expect((await readSafetensorsHeader(file)).tensors['t']).toMatchObject({ storedAs: 'BF16', byteLength: 16 });
    const { tensors: back } = await loadSafetensors(file);
    const infinite = Number.NEGATIVE_INFINITY;
    const largest = 3.3895313892515355e38;
    expect([...back['t']!.data]).toEqual([0.333984375, -2.5, 1, 1 + 2 ** -6, largest, infinite, -0, Number.NaN]);
  });

  it('halves floats on request, rounding to the nearest even half', async () => {
    const file = join(folder, 'half.safetensors');
    const data = new Float32Array([1 / 3, 2049, 2051, 65519, 65520, 2 ** -25, 3 * 2 ** -25, -1e-9, Number.NaN, 1e300]);
    await saveSafetensors(file, { t: { dtype: 'float32', shape: [data.length], data } }, { floats: 'F16' });
    expect((await readSafetensorsHeader(file)).tensors['t']?.storedAs).toBe('F16');
    const { tensors: back } = await loadSafetensors(file);
    const third = 0.333251953125;
    expect([...back['t']!.data]).toEqual([
      third,
      2048,
      2052,
      65504,
      Number.POSITIVE_INFINITY,
      0,
      2 ** -23,
      -0,
      Number.NaN,
      Number.POSITIVE_INFINITY,
    ]);
  });

  it('leaves the old file and no rubbish behind when a write fails', async () => {
    const file = join(folder, 'kept.safetensors');
    const tensor: HostTensor = { dtype: 'float32', shape: [1], data: new Float32Array([7]) };
    await saveSafetensors(file, { tensor });
    const wrong: HostTensor = { dtype: 'float32', shape: [2], data: new Float32Array(1) };
    await expect(saveSafetensors(file, { wrong })).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(saveSafetensors(join(folder, 'no/such/folder'), { tensor })).rejects.toThrow();
    expect((await loadSafetensors(file)).tensors['tensor']?.data[0]).toBe(7);
    expect((await readdir(folder)).filter(name => name.endsWith('.tmp'))).toEqual([]);
  });
});
