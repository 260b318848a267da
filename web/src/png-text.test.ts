import { readFile } from 'node:fs/promises';
import { crc32, deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPng, readPngText } from './png-text.ts';

function chunk(type: string, data: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(data.length);
  head.write(type, 4, 'latin1');
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(Buffer.concat([head.subarray(4), data])));
  return Buffer.concat([head, data, sum]);
}

function png(...chunks: Buffer[]): Uint8Array {
  const header = Buffer.from([0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]);
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  const pixels = chunk('IDAT', deflateSync(Buffer.from([0, 0])));
  return Buffer.concat([signature, chunk('IHDR', header), ...chunks, pixels, chunk('IEND', Buffer.alloc(0))]);
}

const tEXt = (keyword: string, text: string, encoding: BufferEncoding = 'latin1') =>
  chunk('tEXt', Buffer.concat([Buffer.from(`${keyword}\0`), Buffer.from(text, encoding)]));
const zTXt = (keyword: string, text: Buffer) =>
  chunk('zTXt', Buffer.concat([Buffer.from(`${keyword}\0\0`), deflateSync(text)]));
const iTXt = (keyword: string, text: Buffer, compressed = 0) =>
  chunk(
    'iTXt',
    Buffer.concat([Buffer.from(`${keyword}\0`), Buffer.from([compressed, 0]), Buffer.from('en\0k\0'), text]),
  );

describe('readPngText', () => {
  const text = '{"prompt":"ein Ärger 猫"}';
  it.each([
    ['Latin-1', tEXt('duet', 'caf\xe9\nSteps: 20 \x80'), 'caf\xe9\nSteps: 20 \x80'],
    ['UTF-8 where Latin-1 should be', tEXt('duet', text, 'utf8'), text],
    ['international', iTXt('duet', Buffer.from(text)), text],
    ['compressed', zTXt('duet', Buffer.from(text)), text],
    ['compressed Latin-1', zTXt('duet', Buffer.from('caf\xe9', 'latin1')), 'caf\xe9'],
    ['compressed international', iTXt('duet', deflateSync(text), 1), text],
  ])('reads %s text', async (_, written, read) => {
    expect(await readPngText(png(tEXt('other', 'x'), written), 'duet')).toBe(read);
    expect(await readPngText(png(written), 'parameters')).toBeUndefined();
  });

  it.each([
    ['without an end of its keyword', chunk('tEXt', Buffer.from('duet'))],
    ['with damaged compression', chunk('zTXt', Buffer.from('duet\0\0rubbish'))],
    ['with unknown compression', chunk('zTXt', Buffer.from('duet\0\u0001rubbish'))],
    ['that unfolds to too much', zTXt('duet', Buffer.alloc(20 * 2 ** 20))],
  ])('gives nothing of a chunk %s', async (_, broken) => {
    expect(await readPngText(png(broken), 'duet')).toBeUndefined();
  });

  it('reads the file of the report, whose program wrote UTF-8', async () => {
    const bytes = await readFile(new URL('../../test/data/metadata/text-utf8.png', import.meta.url));
    expect(await readPngText(bytes, 'parameters')).toMatch(/^赤いりんご café\nNegative prompt: rot\n/);
  });

  it('gives nothing of other files', async () => {
    expect(isPng(Buffer.from('GIF89a'))).toBe(false);
    expect(await readPngText(Buffer.from('GIF89a'), 'duet')).toBeUndefined();
  });

  it('never fails, wherever a file is cut', async () => {
    const whole = png(tEXt('a', 'text'), zTXt('duet', Buffer.from(text)));
    const read = async (length: number) =>
      [undefined, text].includes(await readPngText(whole.subarray(0, length), 'duet'));
    await fc.assert(fc.asyncProperty(fc.nat(whole.length), read));
  });

  it('reads what was written', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), async written => {
        expect(await readPngText(png(iTXt('duet', Buffer.from(written))), 'duet')).toBe(written);
      }),
    );
  });
});
