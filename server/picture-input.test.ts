import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../src/core/package-root.ts';
import { pictureInput } from './picture-input.ts';

const limits = { maxBodyBytes: 100_000, maxPixels: 10_000, imageUrlHosts: [] };
const pictures = pictureInput(limits);
let png: Buffer;
beforeAll(async () => {
  png = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
});

describe('pictureInput', () => {
  it('takes files, base64 and data URLs', async () => {
    const text = png.toString('base64');
    expect(Buffer.from(await pictures.check(new Uint8Array(png)))).toEqual(png);
    for (const spelled of [
      text,
      `  ${text}\n`,
      text.replace(/(.{20})/g, '$1\r\n'),
      png.toString('base64url'),
      `data:image/png;base64,${text}`,
      `DATA:;BASE64,${text}`,
      `data:image/png;name=a.png;base64,${text}`,
    ]) {
      expect(Buffer.from(await pictures.fromText(spelled))).toEqual(png);
    }
  });

  it.each([
    ['', 'invalid-image'],
    ['not base64!', 'invalid-image'],
    ['aGVsbG8=', 'invalid-image'],
    ['data:image/png,plain', 'invalid-image'],
    ['data:image/png;base64', 'invalid-image'],
    ['http://127.0.0.1/a.png', 'not-allowed'],
    ['file:///etc/passwd', 'not-allowed'],
    ['javascript:alert(1)', 'not-allowed'],
    [
      `data:image/svg+xml;base64,${Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>').toString('base64')}`,
      'invalid-image',
    ],
  ])('refuses %j', async (text, code) => {
    await expect(pictures.fromText(text)).rejects.toMatchObject({ code });
  });

  it('refuses too many pixels or bytes, and half a picture', async () => {
    const wide = await sharp({ create: { width: 200, height: 60, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    await expect(pictures.check(wide)).rejects.toThrow('200 x 60 pixels');
    await expect(pictures.check(png.subarray(0, 60))).rejects.toMatchObject({ code: 'invalid-image' });
    const sheet = await readFile(join(packageRoot(), 'models', 'emoji', 'sheet.png'));
    await expect(pictures.check(sheet)).rejects.toMatchObject({ code: 'invalid-image' });
  });
});
