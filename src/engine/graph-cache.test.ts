import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { wave } from '../../test/support/kernel-table.ts';
import { cacheGraph } from './graph-cache.ts';
import { compile, type Program } from './index.ts';
import type { OnnxModel } from './onnx/model.ts';

let folder: string;
let before: string | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'duet-graphs-'));
  before = process.env['DUET_CACHE'];
  process.env['DUET_CACHE'] = folder;
});

afterEach(async () => {
  if (before === undefined) delete process.env['DUET_CACHE'];
  else process.env['DUET_CACHE'] = before;
  await rm(folder, { recursive: true });
});

const model = (name: string): OnnxModel => ({ name, nodes: [], initializers: [], inputs: [], outputs: [] });
const cached = () => readdir(join(folder, 'graphs'));

describe('the folder', () => {
  test('that cannot be written is an error with a way out', async () => {
    const file = join(folder, 'a-file');
    await writeFile(file, '');
    await expect(cacheGraph(model('m'), join(file, 'graphs'))).rejects.toMatchObject({
      code: 'invalid-config',
      message: expect.stringMatching(/a-file.*Set DUET_CACHE/),
    });
  });
});

describe('a graph', () => {
  const double: Program<unknown, unknown> = ({ inputs }) => ({ outputs: { y: inputs['x']!.mul(2) } });

  async function runOnce(program: Program<unknown, unknown> = double): Promise<number[]> {
    const executable = await compile(
      program,
      { inputs: { x: { dtype: 'float32', shape: ['batch', 2] } } },
      { name: 'a/program' },
    );
    const { y } = await executable.run({ x: wave([2, 2]) });
    await executable.release();
    return [...y!.data];
  }

  test('is one file for one program, by name and content, and nothing else is left', async () => {
    const first = await runOnce();
    expect(await runOnce()).toEqual(first);
    expect(await cached()).toEqual([expect.stringMatching(/^a_program-[0-9a-f]{32}\.onnx$/)]);
    await runOnce(({ inputs }) => ({ outputs: { y: inputs['x']!.mul(3) } }));
    expect(await cached()).toHaveLength(2);
  });

  test('that is there is not written again', async () => {
    const file = await cacheGraph(model('m'));
    const { mtimeMs, ino } = await stat(file);
    expect(await cacheGraph(model('m'))).toBe(file);
    expect(await stat(file)).toMatchObject({ mtimeMs, ino });
  });

  test.each([
    ['truncated', (bytes: Buffer) => bytes.subarray(0, bytes.length / 2)],
    ['empty', () => Buffer.alloc(0)],
    ['corrupt', (bytes: Buffer) => Buffer.from(bytes).fill(0xff, 20, 40)],
  ])('that is %s on disk is replaced', async (_, damage) => {
    const expected = await runOnce();
    const file = join(folder, 'graphs', (await cached())[0]!);
    const good = await readFile(file);
    await writeFile(file, damage(good));
    expect(await runOnce()).toEqual(expected);
    expect(Buffer.compare(await readFile(file), good)).toBe(0);
  });

  test('written many times at once is whole', async () => {
    const files = await Promise.all(Array.from({ length: 8 }, () => cacheGraph(model('same'))));
    expect(new Set(files).size).toBe(1);
    expect(await cached()).toHaveLength(1);
  });
});
