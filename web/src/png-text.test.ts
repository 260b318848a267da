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

const tEXt = (keyword: string, text: string) => chunk('tEXt', Buffer.from(`${keyword}\0${text}`, 'latin1'));
const iTXt = (keyword: string, text: string, flag = 0) =>
  chunk(
    'iTXt',
    Buffer.concat([Buffer.from(`${keyword}\0`, 'latin1'), Buffer.from([flag, 0]), Buffer.from(`en\0k\0${text}`)]),
  );

describe('readPngText', () => {
  it('reads both kinds', () => {
    const texts = readPngText(png(tEXt('parameters', 'caf\xe9\nSteps: 20'), iTXt('duet', '{"prompt":"ein Ärger 猫"}')));
    expect(texts.get('parameters')).toBe('caf\xe9\nSteps: 20');
    expect(texts.get('duet')).toBe('{"prompt":"ein Ärger 猫"}');
  });

  it('passes over compressed and broken ones', () => {
    expect(readPngText(png(iTXt('a', 'zzz', 1), chunk('tEXt', Buffer.from('no end')), tEXt('b', 'x')))).toEqual(
      new Map([['b', 'x']]),
    );
  });

  it('gives nothing of other files', () => {
    expect(isPng(Buffer.from('GIF89a'))).toBe(false);
    expect(readPngText(Buffer.from('GIF89a')).size).toBe(0);
  });

  it('never fails, wherever a file is cut', () => {
    const whole = png(tEXt('a', 'text'), iTXt('b', 'text'));
    fc.assert(fc.property(fc.nat(whole.length), length => readPngText(whole.subarray(0, length)).size <= 2));
  });

  it('reads what was written', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), text => {
        expect(readPngText(png(iTXt('duet', text))).get('duet')).toBe(text);
      }),
    );
  });
});
