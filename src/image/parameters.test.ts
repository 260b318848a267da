import { readFile } from 'node:fs/promises';
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

/** A TIFF structure with a UserComment in the EXIF directory or, as some programs have it, in the first one. */
function tiffWith(order: 'II' | 'MM', comment: Uint8Array, directory: 'exif' | 'first'): Buffer {
  const tiff = Buffer.alloc(44);
  const write16 = (value: number, at: number) =>
    order === 'II' ? tiff.writeUInt16LE(value, at) : tiff.writeUInt16BE(value, at);
  const write32 = (value: number, at: number) =>
    order === 'II' ? tiff.writeUInt32LE(value, at) : tiff.writeUInt32BE(value, at);
  const entry = (at: number, tag: number, type: number, count: number, value: number) => {
    write16(1, at);
    write16(tag, at + 2);
    write16(type, at + 4);
    write32(count, at + 6);
    write32(value, at + 10);
  };
  tiff.write(order, 'latin1');
  write16(42, 2);
  write32(directory === 'exif' ? 8 : 26, 4);
  entry(8, 0x8769, 4, 1, 26);
  entry(26, 0x9286, 7, comment.length, 44);
  if (comment.length <= 4) tiff.set(comment, 36);
  return Buffer.concat([tiff, comment]);
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

  it('have the sampler and schedule type in A1111’s words', () => {
    const bytes = withParameters(png, { ...base, solver: 'euler-ancestral', noiseSchedule: 'karras' });
    expect(readParameters(bytes)?.text).toContain('Sampler: Euler a, Schedule type: Karras, CFG scale');
  });

  it('are Latin-1 where that suffices, as PIL writes them', () => {
    const bytes = withParameters(png, { ...base, prompt: 'ein Käse, 10 °C' });
    expect(Buffer.from(bytes).includes(Buffer.from('tEXtparameters\0ein Käse, 10 °C', 'latin1'))).toBe(true);
    expect(readParameters(bytes)?.infotext.prompt).toBe('ein Käse, 10 °C');
  });

  it.each(['png', 'jpeg', 'webp'] as const)('survive in %s, whatever the prompts', async format => {
    const plain = await encodeImage(picture, format);
    const expected = await decodeImage(plain);
    const text = fc.string({ unit: 'binary', maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(text, text, async (prompt, negativePrompt) => {
        const bytes = withParameters(plain, { ...base, prompt, negativePrompt });
        const read = readParameters(bytes);
        expect(read?.infotext).toMatchObject({
          prompt,
          negativePrompt,
          settings: { Seed: '42', Version: 'duet-0.1.0' },
        });
        expect(read?.parameters).toEqual({ ...base, prompt, negativePrompt });
        expect(await decodeImage(bytes)).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });

  const prompts = {
    'ideographs whose bytes are zero in one order': '一'.repeat(140),
    'ideographs whose swapped bytes are ASCII': '匀琀攀瀀猀㨀 ㄀',
    'Latin-1 that is valid UTF-8': 'Ã© Â°',
    emoji: '👩‍👩‍👧‍👦🏳️‍🌈',
    'right-to-left': 'قط أحمر \u202eمرحبا',
    'control characters': 'a\u0000b\u0007c\u001b[2Jd\u007fe\u0085f',
    'line ends': 'a\r\nb\rc\nd',
    'white space around it': ' \t a cat \n',
    'a byte order mark': '\ufeffa cat\ufffe',
    'half a surrogate pair': 'a \ud83d cat',
    'lines of infotext': 'a\nNegative prompt: b\nSteps: 20, Sampler: Euler a, Seed: 1',
    'nothing but blanks': '   ',
    nothing: '',
  };
  it.each(Object.entries(prompts))('survive in every format: %s', async (_, prompt) => {
    for (const format of ['png', 'jpeg', 'webp'] as const) {
      const bytes = withParameters(await encodeImage(picture, format), { ...base, prompt });
      const read = readParameters(bytes);
      expect(read?.infotext.prompt).toBe(prompt);
      expect(read?.parameters).toMatchObject({ prompt });
    }
  });

  it.each(['png', 'jpeg', 'webp'] as const)('survive in %s where texts are longer than a segment', async format => {
    for (const prompt of ['一'.repeat(30_000), '犬'.repeat(200_000), '\u0001'.repeat(200_000)]) {
      const bytes = withParameters(await encodeImage(picture, format), { ...base, prompt });
      const read = readParameters(bytes);
      expect(read?.infotext.prompt === prompt && read.parameters?.['prompt'] === prompt).toBe(true);
      const { width, height } = await decodeImage(bytes);
      expect([width, height]).toEqual([5, 3]);
    }
  });

  it('of infotext that was changed later are those of the infotext', () => {
    const duet = JSON.stringify({ ...base, prompt: 'a cat' });
    const bytes = pngWith(
      chunk('tEXt', 'parameters\0a dog\nSteps: 20, Seed: 1, Size: 5x3'),
      chunk('tEXt', `duet\0${duet}`),
    );
    expect(readParameters(bytes)?.infotext.prompt).toBe('a dog');
    const odd = pngWith(chunk('tEXt', 'parameters\0a dog'), chunk('tEXt', 'duet\0{"prompt": 3}'));
    expect(readParameters(odd)?.infotext.prompt).toBe('a dog');
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

  const infotext = 'a cat\nSteps: 1, Sampler: DDIM, Seed: 2';
  const utf16 = (text: string, order: 'II' | 'MM') => {
    const bytes = Buffer.from(text, 'utf16le');
    return order === 'II' ? bytes : bytes.swap16();
  };
  const marks = { ascii: 'ASCII\0\0\0', unicode: 'UNICODE\0', jis: 'JIS\0\0\0\0\0', none: '\0\0\0\0\0\0\0\0' };
  const comments: [name: string, order: 'II' | 'MM', mark: string, text: Uint8Array, read: string][] = [
    ['UTF-16, little-endian', 'II', marks.unicode, utf16(infotext, 'II'), infotext],
    ['UTF-16, big-endian', 'MM', marks.unicode, utf16(infotext, 'MM'), infotext],
    ['ideographs, little-endian', 'II', marks.unicode, utf16('一一二一', 'II'), '一一二一'],
    ['ideographs, big-endian', 'MM', marks.unicode, utf16('一一二一', 'MM'), '一一二一'],
    ['UTF-16 with its own order', 'MM', marks.unicode, utf16('\ufeff猫', 'II'), '猫'],
    ['infotext in a structure that Pillow turned round', 'II', marks.unicode, utf16(infotext, 'MM'), infotext],
    ['ASCII', 'II', marks.ascii, Buffer.from(`${infotext}\0\0 `), infotext],
    ['UTF-8 that is called ASCII', 'MM', marks.ascii, Buffer.from('кот'), 'кот'],
    ['Latin-1 that is called ASCII', 'MM', marks.ascii, Buffer.from('Käse', 'latin1'), 'Käse'],
    ['Shift JIS', 'MM', marks.jis, Buffer.from([0x94, 0x4c, 0x20, 0x8c, 0xa2]), '猫 犬'],
    ['ISO 2022', 'II', marks.jis, Buffer.from('\u001b$B\u0047\u002d\u001b(B cat', 'latin1'), '猫 cat'],
    ['of undefined encoding', 'II', marks.none, Buffer.from('чат'), 'чат'],
    ['without a mark', 'MM', '', Buffer.from(infotext), infotext],
    ['of four bytes, in place', 'MM', '', Buffer.from('cat!'), 'cat!'],
  ];
  it.each(comments)('are read as other programs write them into EXIF: %s', async (_, order, mark, text, expected) => {
    for (const directory of ['exif', 'first'] as const) {
      const tiff = tiffWith(order, Buffer.concat([Buffer.from(mark, 'latin1'), text]), directory);
      const data = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff]);
      const size = [0xff, 0xff, 0xe1, (data.length + 2) >> 8, (data.length + 2) & 255]; // with a fill byte
      const jpeg = await encodeImage(picture, 'jpeg');
      const bytes = Buffer.concat([jpeg.subarray(0, 2), Buffer.from(size), data, jpeg.subarray(2)]);
      expect(readParameters(new Uint8Array(bytes))?.text).toBe(expected);
      expect(readParameters(pngWith(chunk('eXIf', tiff)))?.text).toBe(expected);
    }
  });

  it('are read as UTF-8 from chunks that should be Latin-1, if they are valid UTF-8', async () => {
    const text = 'ein Kätzchen 猫';
    for (const bytes of [
      pngWith(chunk('tEXt', 'parameters\0', Buffer.from(text))),
      pngWith(chunk('zTXt', 'parameters\0\0', deflateSync(Buffer.from(text)))),
    ]) {
      expect(readParameters(bytes)?.text).toBe(text);
    }
    const latin1 = pngWith(chunk('zTXt', 'parameters\0\0', deflateSync(Buffer.from('Kätzchen', 'latin1'))));
    expect(readParameters(latin1)?.text).toBe('Kätzchen');
  });

  it('are read from the files of the report', async () => {
    const read = async (name: string) =>
      readParameters(await readFile(new URL(`../../test/data/metadata/${name}`, import.meta.url)));
    expect((await read('text-utf8.png'))?.infotext).toMatchObject({ prompt: '赤いりんご café', negativePrompt: 'rot' });
    expect((await read('yi.jpg'))?.infotext).toMatchObject({ prompt: '一'.repeat(140), settings: { Steps: '2' } });
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
