import { crc32, deflateSync } from 'node:zlib';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodeImage, encodeImage } from './codec.ts';
import { type PictureParameters, readParameters, withParameters } from './parameters.ts';
import { pixels } from './pixels.ts';

const picture = pixels(
  5,
  3,
  Uint8Array.from({ length: 45 }, (_, i) => i * 5),
);
const base: PictureParameters = {
  mode: 't2i',
  model: 'emoji',
  version: '0.1.0',
  width: 5,
  height: 3,
  seed: 42,
  steps: 20,
  guidance: 3,
  solver: 'dpm-multistep',
};

/** A PNG chunk with a right check sum. */
function chunk(type: string, ...data: (string | Uint8Array)[]): Buffer {
  const parts = data.map(part => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part)));
  const body = Buffer.concat([Buffer.from(type, 'latin1'), ...parts]);
  const bytes = Buffer.alloc(body.length + 8);
  bytes.writeUInt32BE(body.length - 4);
  bytes.set(body, 4);
  bytes.writeUInt32BE(crc32(body), body.length + 4);
  return bytes;
}

const png = await encodeImage(picture);
const pngWith = (...chunks: Uint8Array[]) =>
  new Uint8Array(Buffer.concat([png.subarray(0, 33), ...chunks, png.subarray(33)]));

describe('parameters', () => {
  it('survive in a PNG, whose picture stays as it is', async () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(text, text, fc.jsonValue(), async (prompt, negativePrompt, further) => {
        const parameters = { ...base, prompt, negativePrompt, further };
        const bytes = withParameters(png, parameters);
        expect(readParameters(bytes)?.parameters).toEqual(JSON.parse(JSON.stringify(parameters)));
        expect(await decodeImage(bytes)).toEqual(picture);
      }),
      { numRuns: 40 },
    );
  });

  it.each(['a cat, blue', 'кот 🐱 猫'])('are chunks that other programs read: %s', async prompt => {
    const bytes = withParameters(png, { ...base, prompt, negativePrompt: 'blur' });
    const { comments } = await sharp(bytes).metadata();
    const text = `${prompt}\nNegative prompt: blur\nSteps: 20, Sampler: DPM++ 2M, CFG scale: 3, Seed: 42, Size: 5x3, Model: emoji, Version: duet-0.1.0`;
    expect(comments).toContainEqual(expect.objectContaining({ keyword: 'parameters', text }));
    expect(readParameters(bytes)).toMatchObject({ text, infotext: { prompt, settings: { Seed: '42' } } });
  });

  it('are Latin-1 where that suffices, as PIL writes them', () => {
    const bytes = withParameters(png, { ...base, prompt: 'ein Käse, 10 °C' });
    expect(Buffer.from(bytes).includes(Buffer.from('tEXtparameters\0ein Käse, 10 °C', 'latin1'))).toBe(true);
    expect(readParameters(bytes)?.infotext.prompt).toBe('ein Käse, 10 °C');
  });

  it.each(['jpeg', 'webp'] as const)('survive in %s as infotext', async format => {
    const plain = await encodeImage(picture, format);
    const [expected] = [await decodeImage(plain)];
    const text = fc.string({ unit: 'grapheme', maxLength: 60 }).filter(value => !/^\s*Negative prompt:/m.test(value));
    await fc.assert(
      fc.asyncProperty(text, async prompt => {
        const bytes = withParameters(plain, { ...base, prompt });
        const clean = prompt.replaceAll('\0', ' ').trim();
        expect(readParameters(bytes)?.infotext.prompt).toBe(clean);
        expect(await decodeImage(bytes)).toEqual(expected);
        expect((await sharp(bytes).metadata()).exif).toBeDefined();
      }),
      { numRuns: 30 },
    );
  });

  it('survive in WebP of every kind', async () => {
    const raw = { raw: { width: 5, height: 3, channels: 3 as const } };
    const lossless = await sharp(picture.data, raw).webp({ lossless: true }).toBuffer();
    const clear = await sharp(picture.data, raw).ensureAlpha(0.5).webp({ lossless: true }).toBuffer();
    const lossyClear = await sharp(picture.data, raw).ensureAlpha(0.5).webp().toBuffer();
    for (const plain of [lossless, clear, lossyClear]) {
      const bytes = withParameters(plain, { ...base, prompt: 'x' });
      expect(readParameters(bytes)?.infotext.prompt).toBe('x');
      expect(await sharp(bytes).raw().toBuffer()).toEqual(await sharp(plain).raw().toBuffer());
    }
  });

  it('are read as other programs write them into EXIF', async () => {
    for (const [mark, encoding] of [
      ['UNICODE\0', 'utf16le'],
      ['ASCII\0\0\0', 'latin1'],
    ] as const) {
      const comment = Buffer.concat([Buffer.from(mark, 'latin1'), Buffer.from('a cat\nSteps: 1', encoding)]);
      const tiff = Buffer.alloc(44);
      tiff.write('II', 'latin1');
      tiff.writeUInt16LE(42, 2);
      tiff.writeUInt32LE(8, 4);
      for (const [at, tag, type, count, value] of [
        [8, 0x8769, 4, 1, 26],
        [26, 0x9286, 7, comment.length, 44],
      ] as const) {
        tiff.writeUInt16LE(1, at);
        tiff.writeUInt16LE(tag, at + 2);
        tiff.writeUInt16LE(type, at + 4);
        tiff.writeUInt32LE(count, at + 6);
        tiff.writeUInt32LE(value, at + 10);
      }
      const data = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff, comment]);
      const size = Buffer.from([0xff, 0xe1, (data.length + 2) >> 8, (data.length + 2) & 255]);
      const jpeg = await encodeImage(picture, 'jpeg');
      const bytes = new Uint8Array(Buffer.concat([jpeg.subarray(0, 2), size, data, jpeg.subarray(2)]));
      expect(readParameters(bytes)?.text).toBe('a cat\nSteps: 1');
    }
  });

  it('are read from compressed chunks too', () => {
    expect(readParameters(pngWith(chunk('zTXt', 'parameters\0\0', deflateSync('hello'))))?.text).toBe('hello');
    const international = chunk('iTXt', 'parameters\0\u0001\0de\0Werte\0', deflateSync(Buffer.from('für 猫')));
    expect(readParameters(pngWith(international))?.text).toBe('für 猫');
  });

  it('are null where there are none', async () => {
    expect(readParameters(png)).toBeNull();
    expect(readParameters(await encodeImage(picture, 'jpeg'))).toBeNull();
    expect(readParameters(await encodeImage(picture, 'webp'))).toBeNull();
  });
});

describe('hostile files', () => {
  it('are refused when they are not pictures', () => {
    for (const bytes of [new Uint8Array(0), Uint8Array.of(1, 2, 3), new TextEncoder().encode('<svg/>')]) {
      expect(() => readParameters(bytes)).toThrow(/not a PNG, JPEG or WebP/);
    }
  });

  it('do not unfold bombs', () => {
    const bomb = deflateSync(Buffer.alloc(100 * 2 ** 20), { level: 9 });
    const bytes = pngWith(
      ...Array.from({ length: 500 }, () => chunk('zTXt', 'parameters\0\0', bomb)),
      chunk('iTXt', 'duet\0\u0001\0\0\0', bomb),
    );
    const before = process.memoryUsage().rss;
    expect(readParameters(bytes)).toBeNull();
    expect(process.memoryUsage().rss - before).toBeLessThan(80 * 2 ** 20);
  });

  it.each([
    ['a length beyond the end', Buffer.from([0x7f, 0xff, 0xff, 0xff, 0x74, 0x45, 0x58, 0x74, 1, 2])],
    ['a keyword without end', chunk('tEXt', 'p'.repeat(200))],
    ['no keyword', chunk('tEXt', '')],
    ['nothing after the keyword', chunk('iTXt', 'parameters\0')],
    ['an unknown compression', chunk('zTXt', 'parameters\0\u0009', deflateSync('x'))],
    ['no zlib data', chunk('zTXt', 'parameters\0\0garbage')],
    ['an oversized text', chunk('tEXt', 'parameters\0', new Uint8Array(2 ** 20 + 1))],
    ['JSON that is no object', chunk('tEXt', 'duet\0[1]')],
    ['broken JSON', chunk('tEXt', 'duet\0{')],
    ['a wrong check sum', chunk('tEXt', 'parameters\0x').map((byte, i) => byte ^ (i === 20 ? 1 : 0))],
  ])('with %s give nothing', (_, bytes) => {
    expect(readParameters(pngWith(bytes))).toBeNull();
  });

  it('never crash: any bytes, cut or changed anywhere', async () => {
    const files = await Promise.all(
      (['png', 'jpeg', 'webp'] as const).map(async format =>
        withParameters(await encodeImage(picture, format), { ...base, prompt: 'кот' }),
      ),
    );
    const change = fc.record({ at: fc.nat(400), byte: fc.nat(255) });
    fc.assert(
      fc.property(fc.constantFrom(...files), fc.array(change, { maxLength: 8 }), fc.nat(600), (file, changes, cut) => {
        const bytes = file.slice(0, Math.max(20, file.length - cut));
        for (const { at, byte } of changes) bytes[at] = byte;
        try {
          readParameters(bytes);
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid-image' });
        }
      }),
      { numRuns: 500 },
    );
  });
});
