import { describe, expect, it } from 'vitest';
import { decodeText, decodeUtf8OrLatin1 } from './text.ts';

const bytes = (text: string, encoding: BufferEncoding = 'utf8') => Buffer.from(text, encoding);

describe('decodeText', () => {
  it.each([
    ['UTF-8', bytes('zwei Kätzchen 猫')],
    ['UTF-8 with a byte order mark', bytes('\ufeffzwei Kätzchen 猫')],
    ['UTF-16LE', bytes('\ufeffzwei Kätzchen 猫', 'utf16le')],
    ['UTF-16BE', bytes('\ufeffzwei Kätzchen 猫', 'utf16le').swap16()],
  ])('reads %s', (_, given) => expect(decodeText(given, 'a.txt')).toBe('zwei Kätzchen 猫'));

  it('makes all line ends one', () => {
    expect(decodeText(bytes('a\r\nb\rc\nd\r\r\n'), 'a.txt')).toBe('a\nb\nc\nd\n\n');
    expect(decodeText(bytes(''), 'a.txt')).toBe('');
  });

  it.each([
    ['Latin-1', bytes('Kätzchen', 'latin1'), /a\.txt is not valid UTF-8 text/],
    ['half a character', bytes('猫').subarray(0, 2), /a\.txt is not valid UTF-8/],
    ['half a UTF-16 unit', Buffer.concat([bytes('\ufeffcat', 'utf16le'), bytes('x')]), /a\.txt is not valid UTF-16LE/],
    ['half a surrogate pair', bytes('\ufeff\ud83d', 'utf16le'), /a\.txt is not valid UTF-16LE/],
    ['UTF-16 without a mark', bytes('cat', 'utf16le'), /a\.txt holds zero bytes/],
    ['UTF-32', Buffer.from([0xff, 0xfe, 0, 0, 0x61, 0, 0, 0]), /a\.txt holds zero bytes/],
  ])('refuses %s, naming the file', (_, given, message) => {
    expect(() => decodeText(given, 'a.txt')).toThrow(message);
    expect(() => decodeText(given, 'a.txt', 'invalid-config')).toThrow(
      expect.objectContaining({ code: 'invalid-config' }),
    );
  });
});

describe('decodeUtf8OrLatin1', () => {
  it('prefers UTF-8 and keeps every byte otherwise', () => {
    expect(decodeUtf8OrLatin1(bytes('\ufeff猫'))).toBe('\ufeff猫');
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    expect(bytes(decodeUtf8OrLatin1(all), 'latin1')).toEqual(Buffer.from(all));
  });
});
