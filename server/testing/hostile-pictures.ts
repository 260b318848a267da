/** Files that claim to be pictures, for tests: bombs, stumps and strangers. */
import { crc32, deflateSync, gzipSync } from 'node:zlib';
import sharp from 'sharp';

const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}

/** A grey PNG of one bit a pixel: a square of 20,000 is 50 kB, and 1.2 GB when decoded to RGB. */
export function bombPng(width: number, height: number, data?: Uint8Array): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 1;
  const rows = data ?? Buffer.alloc((Math.ceil(width / 8) + 1) * height);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** A small PNG with a compressed text of `size` bytes. */
async function textBomb(size: number): Promise<Buffer> {
  const png = await plainPng();
  const text = chunk('zTXt', Buffer.concat([Buffer.from('parameters\0\0', 'latin1'), deflateSync(Buffer.alloc(size))]));
  return Buffer.concat([png.subarray(0, 33), text, png.subarray(33)]);
}

function plainPng(side = 16): Promise<Buffer> {
  return sharp({ create: { width: side, height: side, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
}

/** An SVG that asks for `url` in every way it knows. */
function externalSvg(url: string): Buffer {
  const text = `<?xml version="1.0"?><?xml-stylesheet href="${url}/a.css"?>
<!DOCTYPE svg [<!ENTITY local SYSTEM "file:///etc/passwd"><!ENTITY remote SYSTEM "${url}/b">]>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="64" height="64">
<image xlink:href="${url}/c.png" width="64" height="64"/><use href="${url}/d.svg#x"/><text>&local;&remote;</text></svg>`;
  return Buffer.from(text);
}

/** Name and bytes; none of them is a picture that the server takes. */
export async function refusedPictures(canary: string): Promise<readonly (readonly [string, Buffer])[]> {
  const png = await plainPng(64);
  const jpeg = await sharp(await plainPng(256))
    .jpeg()
    .toBuffer();
  const webp = await sharp(await plainPng(256))
    .webp()
    .toBuffer();
  return [
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('hello')],
    ['a web page', Buffer.from('<!doctype html><script>alert(1)</script>')],
    ['only a signature', signature],
    ['a PNG cut in half', png.subarray(0, png.length / 2)],
    ['a JPEG cut in half', jpeg.subarray(0, jpeg.length / 2)],
    ['a WebP cut in half', webp.subarray(0, webp.length / 2)],
    ['a JPEG with an empty body', jpeg.subarray(0, 20)],
    ['an SVG', externalSvg(canary)],
    ['a compressed SVG', gzipSync(externalSvg(canary))],
    ['a PNG of 400 million pixels', bombPng(20_000, 20_000)],
    ['a PNG that claims 2^31 pixels a side', bombPng(2 ** 31 - 1, 2 ** 31 - 1, Buffer.alloc(10))],
    ['a PNG of no pixels', bombPng(0, 0, Buffer.alloc(1))],
    ['a long thin PNG', bombPng(16_000_000, 4)],
    ['a PDF', Buffer.from('%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>')],
    ['an MP4', Buffer.from('\0\0\0\x18ftypmp42\0\0\0\0mp42isom', 'latin1')],
    ['a GIF header', Buffer.from('GIF89a\xff\xff\xff\xff\xf7\0\0', 'latin1')],
    ['a TIFF that points outside', Buffer.from('II*\0\xff\xff\xff\x7f', 'latin1')],
    ['an OpenEXR', Buffer.from('v/1\x01\x02\0\0\0channels\0', 'latin1')],
    ['a FITS', Buffer.from('SIMPLE  =                    T'.padEnd(2880))],
    ['a Radiance map', Buffer.from('#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 100000 +X 100000\n')],
    ['a PBM', Buffer.from('P6 100000 100000 255\n')],
    ['a gzip', gzipSync(Buffer.alloc(1_000_000))],
  ];
}

/** Name and bytes of pictures that are odd, but fine. */
export async function oddPictures(): Promise<readonly (readonly [string, Buffer])[]> {
  return [
    ['a PNG with a bomb of a text', await textBomb(300_000_000)],
    ['a PNG of one pixel', await plainPng(1)],
    ['a very wide PNG', bombPng(4000, 1)],
  ];
}
