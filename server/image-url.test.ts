/** Fetching pictures that strangers name: every spelling of a private address, redirects, sizes and times. */
import type { LookupAddress } from 'node:dns';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { fetchImage, type GetFrom, getFrom, type ImageUrlOptions } from './image-url.ts';
import { isPublicAddress } from './network-address.ts';

const publicAddress: LookupAddress = { address: '93.184.216.34', family: 4 };
const limits = { hosts: ['images.example.org', '*.cdn.example.org'], maxBytes: 100 };

async function* bytes(...sizes: number[]) {
  for (const size of sizes) yield new Uint8Array(size);
}

/** Answers by URL; counts what was asked. */
function network(answers: Record<string, { status?: number; location?: string; sizes?: number[] }>) {
  const asked: string[] = [];
  const get: GetFrom = async ({ href }, { address }) => {
    asked.push(`${href} at ${address}`);
    const { status = 200, location, sizes = [10] } = answers[href] ?? { status: 404 };
    return { status, location, body: bytes(...sizes) };
  };
  const options: ImageUrlOptions = { ...limits, get, lookup: async () => [publicAddress] };
  return { asked, options };
}

describe('isPublicAddress', () => {
  it.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.31.255.255',
    '192.168.0.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    'fe80::1',
    'fc00::1',
    '::ffff:127.0.0.1',
    '::ffff:93.184.216.34',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '2001:db8::1',
    'ff02::1',
    'not an address',
    '',
  ])('refuses %s', address => expect(isPublicAddress(address)).toBe(false));

  it.each(['93.184.216.34', '1.1.1.1', '2606:4700:4700::1111'])('lets %s pass', address =>
    expect(isPublicAddress(address)).toBe(true),
  );
});

describe('fetchImage', () => {
  it('is off without hosts', async () => {
    const { options, asked } = network({});
    const fetching = fetchImage('https://images.example.org/a.png', { ...options, hosts: [] });
    await expect(fetching).rejects.toMatchObject({ code: 'not-allowed' });
    expect(asked).toEqual([]);
  });

  it('gets pictures of allowed hosts from the address that was checked', async () => {
    const { options, asked } = network({
      'https://images.example.org/a.png': { sizes: [40, 60] },
      'http://a.b.cdn.example.org/': {},
    });
    expect(await fetchImage('https://IMAGES.example.org/a.png', options)).toHaveLength(100);
    expect(await fetchImage('http://a.b.cdn.example.org', options)).toHaveLength(10);
    expect(asked).toEqual([
      'https://images.example.org/a.png at 93.184.216.34',
      'http://a.b.cdn.example.org/ at 93.184.216.34',
    ]);
  });

  it.each([
    'https://evil.example.org/',
    'https://cdn.example.org.evil.org/',
    'https://images.example.org@evil.org/',
    'https://user:password@images.example.org/',
    'ftp://images.example.org/a.png',
    'file:///etc/passwd',
    'gopher://images.example.org/',
    'http://[::ffff:7f00:1]/',
    'http:///',
    'https://',
  ])('refuses %s without asking anybody', async url => {
    const { options, asked } = network({});
    await expect(fetchImage(url, options)).rejects.toMatchObject({ code: 'not-allowed' });
    expect(asked).toEqual([]);
  });

  it.each([
    'http://127.0.0.1/',
    'http://2130706433/',
    'http://0177.0.0.1/',
    'http://0x7f.1/',
    'http://127.1/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[0:0:0:0:0:ffff:7f00:1]/',
    'http://169.254.169.254/latest/meta-data/',
    'http://①②⑦.0.0.1/',
  ])('refuses %s even where its host is allowed', async url => {
    const { options, asked } = network({});
    const { hostname } = new URL(url);
    await expect(fetchImage(url, { ...options, hosts: [hostname] })).rejects.toThrow('not public');
    expect(asked).toEqual([]);
  });

  it('refuses a name with any private address', async () => {
    const { options, asked } = network({});
    const lookup = async () => [publicAddress, { address: '10.0.0.1', family: 4 }];
    await expect(fetchImage('https://images.example.org/', { ...options, lookup })).rejects.toThrow('not public');
    expect(asked).toEqual([]);
  });

  it('checks every redirect and follows few', async () => {
    const { options, asked } = network({
      'https://images.example.org/1': { status: 302, location: '/2' },
      'https://images.example.org/2': { status: 301, location: 'http://127.0.0.1/' },
      'https://images.example.org/loop': { status: 307, location: '/loop' },
    });
    await expect(fetchImage('https://images.example.org/1', options)).rejects.toMatchObject({ code: 'not-allowed' });
    expect(asked).toHaveLength(2);
    await expect(fetchImage('https://images.example.org/loop', options)).rejects.toThrow('redirects more than 3');
  });

  it('limits the size, whatever was announced', async () => {
    const { options } = network({ 'https://images.example.org/big': { sizes: [60, 60] } });
    await expect(fetchImage('https://images.example.org/big', options)).rejects.toMatchObject({ code: 'too-large' });
  });

  it('says what is wrong with hosts that do not answer', async () => {
    const { options } = network({});
    await expect(fetchImage('https://images.example.org/none', options)).rejects.toThrow('404');
    const lookup = () => Promise.reject(new Error('ENOTFOUND'));
    await expect(fetchImage('https://images.example.org/', { ...options, lookup })).rejects.toThrow('not known');
    const get: GetFrom = (_url, _address, signal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    const slow = fetchImage('https://images.example.org/', { ...options, get, timeoutMs: 5 });
    await expect(slow).rejects.toThrow('no answer within 5 ms');
    const gone = AbortSignal.abort(new Error('hung up'));
    await expect(fetchImage('https://images.example.org/', { ...options, get }, gone)).rejects.toThrow('hung up');
  });

  it('speaks HTTP to nobody on this machine, however it is named', async () => {
    const { port, requests, close } = await listen();
    const lookup = async () => [loopback];
    const url = `http://images.example.org:${port}/`;
    await expect(fetchImage(url, { ...limits, lookup })).rejects.toThrow('not public');
    expect(requests).toEqual([]);
    await close();
  });

  it('asks the address under the name of the URL', async () => {
    const { port, requests, close } = await listen();
    const url = `http://images.example.org:${port}/a.png?x=1`;
    // As if the address were public.
    const get: GetFrom = (asked, _address, signal) => getFrom(asked, loopback, signal);
    const fetched = await fetchImage(url, { ...limits, get, lookup: async () => [publicAddress] });
    expect(Buffer.from(fetched).toString()).toBe('a picture');
    expect(requests).toEqual([`images.example.org:${port} /a.png?x=1`]);
    await close();
  });
});

const loopback: LookupAddress = { address: '127.0.0.1', family: 4 };

/** A web server on this machine. */
async function listen() {
  const requests: string[] = [];
  const server = createServer(({ url, headers }, response) => {
    requests.push(`${headers.host} ${url}`);
    response.end('a picture');
  });
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return { port, requests, close: () => new Promise(resolve => server.close(resolve)) };
}
