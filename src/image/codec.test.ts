import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeImage, encodeImage, formatOfFile, squareImage } from './codec.ts';
import { pixels } from './pixels.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'duet-image-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** 4 x 2: the left half red, the right half blue. */
const halves = pixels(
  4,
  2,
  Uint8Array.from({ length: 24 }, (_, i) => (i % 12 < 6 ? [255, 0, 0] : [0, 0, 255])[i % 3]!),
);
const raw = { raw: { width: 4, height: 2, channels: 3 as const } };
const refused = (message: RegExp) => ({ code: 'invalid-image', message: expect.stringMatching(message) });

describe('decodeImage', () => {
  it('returns lossless pictures exactly, from bytes, path, URL and pixels', async () => {
    const bytes = await encodeImage(halves);
    const file = join(folder, 'halves.png');
    await writeFile(file, bytes);
    for (const input of [bytes, file, pathToFileURL(file), halves]) expect(await decodeImage(input)).toEqual(halves);
  });

  it.each(['jpeg', 'webp', 'gif', 'tiff', 'avif'] as const)('reads %s', async format => {
    const bytes = await sharp(halves.data, raw).resize(32, 16, { kernel: 'nearest' }).toFormat(format).toBuffer();
    const picture = await decodeImage(new Uint8Array(bytes));
    expect([picture.width, picture.height]).toEqual([32, 16]);
    expect(picture.data[0]).toBeGreaterThan(200);
    expect(picture.data[31 * 3]).toBeLessThan(60);
  });

  it('turns pictures upright as EXIF says', async () => {
    const bytes = await sharp(halves.data, raw).withMetadata({ orientation: 6 }).png().toBuffer();
    const picture = await decodeImage(bytes);
    expect([picture.width, picture.height]).toEqual([2, 4]);
    expect([...picture.data.subarray(0, 3)]).toEqual([255, 0, 0]);
    expect([...picture.data.subarray(-3)]).toEqual([0, 0, 255]);
  });

  it('puts transparency on white and spreads grey over three channels', async () => {
    const clear = sharp({ create: { width: 2, height: 2, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } } });
    expect([...(await decodeImage(await clear.png().toBuffer())).data]).toEqual(new Array(12).fill(255));
    const grey = await sharp(halves.data, raw).toColourspace('b-w').png().toBuffer();
    const { data } = await decodeImage(grey);
    expect(data.length).toBe(24);
    expect(data[0]).toBe(data[1]);
    const sixteen = await sharp(halves.data, raw).toColourspace('rgb16').png().toBuffer();
    expect((await decodeImage(sixteen)).data).toEqual(halves.data);
  });

  it('refuses what is not a picture, naming what it wants', async () => {
    const text = new TextEncoder().encode('hello');
    await expect(decodeImage(text)).rejects.toMatchObject(refused(/not a picture.*give JPEG, PNG/));
    await expect(decodeImage(new Uint8Array(0))).rejects.toMatchObject(refused(/is empty/));
    await expect(decodeImage(join(folder, 'absent.png'))).rejects.toMatchObject(refused(/Cannot open.*absent\.png/));
    await expect(decodeImage(folder)).rejects.toMatchObject(refused(/is a folder/));
    const svg = new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
    await expect(decodeImage(svg)).rejects.toMatchObject(refused(/format svg/));
  });

  it('refuses broken files', async () => {
    const noise = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 7919) % 251);
    const bytes = await encodeImage(pixels(64, 64, noise), 'png');
    await expect(decodeImage(bytes.slice(0, bytes.length / 2))).rejects.toMatchObject({ code: 'invalid-image' });
  });

  it('limits bytes and pixels', async () => {
    const bytes = await encodeImage(halves);
    await expect(decodeImage(bytes, { maxBytes: 10 })).rejects.toMatchObject(refused(/at most 10 bytes/));
    await expect(decodeImage(bytes, { maxPixels: 7 })).rejects.toMatchObject(refused(/4 x 2 pixels, at most 7/));
    const file = join(folder, 'limited.png');
    await writeFile(file, bytes);
    await expect(decodeImage(file, { maxBytes: 10 })).rejects.toMatchObject(refused(/at most 10 bytes/));
  });

  it('stops when asked to', async () => {
    await expect(decodeImage(halves, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('squareImage', () => {
  it('crops the centre and resizes', async () => {
    const square = await squareImage(halves, 8);
    expect([square.width, square.height, square.data.length]).toEqual([8, 8, 192]);
    expect(square.data[0]).toBeGreaterThan(200);
  });
});

describe('formatOfFile', () => {
  it('follows the extension', () => {
    expect(['a.png', 'a.JPG', 'b.webp', 'none'].map(formatOfFile)).toEqual(['png', 'jpeg', 'webp', 'png']);
    expect(() => formatOfFile('a.bmp')).toThrow(/\.bmp.*\.png, \.webp or \.jpg/);
  });
});
