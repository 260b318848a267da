/** Pictures behind addresses, from a server of our own, and every other way to give one. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeImage, encodeImage } from './codec.ts';
import { fetchIfRemote, isPictureAddress, readImageBytes } from './image-input.ts';

const picture = { width: 3, height: 2, data: new Uint8Array(18).fill(77) };
const png = await encodeImage(picture);
const base64 = Buffer.from(png).toString('base64');

let folder: string;
let server: Server;
let origin: string;
const requested: string[] = [];

const answers: Readonly<Record<string, RequestListener>> = {
  '/a.png': (_, response) => response.end(png),
  '/moved': (_, response) => response.writeHead(302, { location: '/a.png' }).end('elsewhere'),
  '/moved/to/file': (_, response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
  '/round': (_, response) => response.writeHead(307, { location: '/round' }).end(),
  '/nowhere': (_, response) => response.writeHead(302).end(),
  '/page': (_, response) => response.setHeader('content-type', 'text/html').end('<p>No picture.'),
  '/empty': (_, response) => response.end(),
  '/large': (_, response) => response.end(Buffer.alloc(2000)),
  '/cut': (_, response) => {
    response.writeHead(200, { 'content-length': '500' });
    response.write(png.subarray(0, 20), () => response.destroy());
  },
  '/silent': () => {},
  '/endless': (_, response) => {
    const more = () => response.write(Buffer.alloc(500), error => error || setImmediate(more));
    more();
  },
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'duet-input-'));
  server = createServer((request, response) => {
    requested.push(request.url ?? '');
    const answer = answers[new URL(request.url ?? '', 'http://x').pathname];
    if (answer) answer(request, response);
    else response.writeHead(404).end();
  });
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve);
  });
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise(resolve => {
    server.close(resolve);
  });
  await rm(folder, { recursive: true });
});

const refused = (message: RegExp) => ({ code: 'invalid-image', message: expect.stringMatching(message) });

describe('a picture behind an address', () => {
  it('is got, through redirects too', async () => {
    expect(await decodeImage(`${origin}/a.png?size=3`)).toEqual(picture);
    expect(await decodeImage(new URL(`${origin}/moved`))).toEqual(picture);
    expect(await decodeImage(`${origin.replace('http', 'HTTP')}/a.png`)).toEqual(picture);
    expect(await fetchIfRemote(`${origin}/a.png`)).toEqual(png);
    expect(await fetchIfRemote('a.png')).toBe('a.png');
  });

  it.each([
    ['/none.png?key=secret', /^Cannot get the picture http:\/\/127\.0\.0\.1:\d+\/none\.png: status 404$/],
    ['/nowhere', /status 302/],
    ['/round', /redirects more than 5 times/],
    ['/moved/to/file', /no http or https address/],
    ['/page', /http:\S+\/page is not a picture that can be read/],
    ['/empty', /\/empty is empty/],
    ['/large', /\/large has more than the 1000 bytes allowed/],
    ['/endless', /\/endless has more than the 1000 bytes allowed/],
    ['/cut', /Cannot get the picture \S+\/cut: /],
  ])('is refused with its reason: %s', async (path, message) => {
    await expect(decodeImage(`${origin}${path}`, { maxBytes: 1000 })).rejects.toMatchObject(refused(message));
  });

  it('is given up when it takes too long, or nobody waits any more', async () => {
    const silent = decodeImage(`${origin}/silent`, { timeoutMs: 20 });
    await expect(silent).rejects.toMatchObject(refused(/\/silent: no whole answer within 20 ms/));
    const controller = new AbortController();
    const waiting = decodeImage(`${origin}/silent`, { signal: controller.signal });
    controller.abort(new Error('cancelled by the test'));
    await expect(waiting).rejects.toThrow('cancelled by the test');
    const before = requested.length;
    await expect(decodeImage(`${origin}/a.png`, { signal: AbortSignal.abort() })).rejects.toThrow();
    expect(requested.length).toBe(before);
  });

  it('says why there is no connection', async () => {
    const closed = createServer();
    await new Promise<void>(resolve => {
      closed.listen(0, '127.0.0.1', resolve);
    });
    const { port } = closed.address() as AddressInfo;
    await new Promise(resolve => {
      closed.close(resolve);
    });
    await expect(decodeImage(`http://127.0.0.1:${port}/a.png`)).rejects.toMatchObject(refused(/ECONNREFUSED/));
    await expect(decodeImage('http://')).rejects.toMatchObject(refused(/no http or https address/));
    await expect(decodeImage('https://me:secret@example.org/a.png')).rejects.toMatchObject(
      refused(/^The address https:\/\/example\.org\/a\.png must not hold a user name/),
    );
  });
});

describe('a picture in a data URL', () => {
  it.each([
    `data:image/png;base64,${base64}`,
    `DATA:image/png;charset=utf-8;BASE64,${base64.replace(/.{10}/g, '$&\n')}`,
    `data:;base64,${encodeURIComponent(base64)}`,
    `data:image/png,${Array.from(png, byte => `%${byte.toString(16).padStart(2, '0')}`).join('')}`,
  ])('is read: %.40s', async url => expect(await decodeImage(url)).toEqual(picture));

  it.each([
    ['data:image/png;base64', /looks like data:image\/png;base64/],
    ['data:image/png;base64,!!', /looks like data:image\/png;base64/],
    ['data:image/png;base64,', /The data URL is empty/],
    ['data:text/plain,hello', /The data URL is not a picture that can be read/],
    [`data:image/png;base64,${'A'.repeat(4000)}`, /The data URL has .* at most 1000 bytes/],
  ])('is refused with its reason: %.30s', async (url, message) => {
    await expect(decodeImage(url, { maxBytes: 1000 })).rejects.toMatchObject(refused(message));
  });
});

describe('a picture in a file', () => {
  it('is read from any path and from a file address', async () => {
    await mkdir(join(folder, 'with spaces'));
    for (const name of ['a b.png', '猫 #1?.png', 'http:.png']) {
      const file = join(folder, 'with spaces', name);
      await writeFile(file, png);
      expect(await decodeImage(file)).toEqual(picture);
      expect(await decodeImage(pathToFileURL(file).href)).toEqual(picture);
    }
  });

  it('is refused with its reason', async () => {
    await expect(readImageBytes('file://elsewhere/a.png')).rejects.toMatchObject(
      refused(/Cannot open the picture file:/),
    );
    await expect(readImageBytes(folder)).rejects.toMatchObject(refused(/is a folder/));
    await expect(readImageBytes('a\0b.png')).rejects.toMatchObject(refused(/Cannot open/));
    await expect(readImageBytes('/dev/null')).rejects.toMatchObject(refused(/is empty/));
    await expect(readImageBytes('/dev/zero', { maxBytes: 1e6 })).rejects.toMatchObject(
      refused(/at most 1000000 bytes/),
    );
  });
});

it('knows addresses from words and paths', () => {
  for (const address of ['https://x.org/a.png', 'HTTP://x', 'file:///a.png', 'data:image/png;base64,AA']) {
    expect(isPictureAddress(address)).toBe(true);
  }
  for (const text of ['a cat', 'http', 'data: cats, dogs', 'C:\\a.png', '/https://x', 'a file: red']) {
    expect(isPictureAddress(text)).toBe(false);
  }
});
