import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { encodeImage } from '../../image/index.ts';
import { folderSource } from './folder.ts';
import { batchIndices, captionBatch, pictureBatch } from './source.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'duet-folder-'));
});
afterEach(() => rm(folder, { recursive: true }));

const write = (name: string, content: string | Uint8Array) => writeFile(join(folder, name), content);

/** A picture twice as wide as high, grey. */
async function picture(name: string, grey: number): Promise<void> {
  await write(name, await encodeImage({ width: 16, height: 8, data: new Uint8Array(16 * 8 * 3).fill(grey) }));
}

it('reads captions from .txt lines and every form of .json, and ignores other files', async () => {
  const files = {
    'a.txt': ' one \n\ntwo\r\n',
    'b.json': '"text"',
    'c.json': '["x", "y", 3, ""]',
    'd.json': '{"caption": "single", "captions": ["more"], "id": 1}',
    'notes.md': 'nothing',
  };
  for (const [name, content] of Object.entries(files)) await write(name, content);
  for (const stem of ['a', 'b', 'c', 'd']) await picture(`${stem}.PNG`, 0);
  const source = await folderSource(folder, 4);
  expect([source.size, source.captions]).toEqual([4, ['one', 'two', 'text', 'x', 'y', 'single', 'more']]);
  expect(source.caption(0, () => 0.9)).toBe('two');
});

it('gives square pictures of the size asked for, as numbers from -1 to 1', async () => {
  for (const [i, grey] of [0, 255].entries()) {
    await picture(`${i}.png`, grey);
    await write(`${i}.txt`, `caption ${i}`);
  }
  const source = await folderSource(folder, 4);
  const { shape, data } = await pictureBatch(source, [1, 0]);
  expect(shape).toEqual([2, 3, 4, 4]);
  expect([data[0], data.at(-1)]).toEqual([1, -1]);
});

it('has another key when a picture or a caption changes', async () => {
  await picture('a.png', 1);
  await write('a.txt', 'one');
  const key = async () => (await folderSource(folder, 4)).key;
  const first = await key();
  expect(await key()).toBe(first);
  await write('a.txt', 'two');
  const second = await key();
  await picture('a.png', 200);
  expect(new Set([first, second, await key()]).size).toBe(3);
});

it('names a caption file that is no JSON', async () => {
  await picture('a.png', 1);
  await write('a.json', '{');
  await expect(folderSource(folder, 4)).rejects.toThrow(/a\.json is not a caption file/);
});

it('goes through all items in another order in every pass, also in batches larger than the set', async () => {
  const pass = (epoch: number) => [0, 1, 2].flatMap(step => batchIndices(7, epoch * 3 + step, 4, 12));
  for (const epoch of [0, 1]) expect(pass(epoch).toSorted((a, b) => a - b)).toEqual([...Array(12).keys()]);
  expect(pass(0)).not.toEqual(pass(1));
  const counts = new Array<number>(3).fill(0);
  for (const index of batchIndices(7, 2, 9, 3)) counts[index]! += 1;
  expect(counts).toEqual([3, 3, 3]);
});

it('draws captions by the step, the same whenever it is asked', async () => {
  await picture('a.png', 1);
  await write('a.txt', Array.from({ length: 50 }, (_, i) => `caption ${i}`).join('\n'));
  const source = await folderSource(folder, 4);
  expect(captionBatch(source, [0, 0], 1, 5)).toEqual(captionBatch(source, [0, 0], 1, 5));
  expect(captionBatch(source, [0, 0], 1, 5)).not.toEqual(captionBatch(source, [0, 0], 1, 6));
});
