/**
 * Pictures behind http(s) URLs that strangers name: only from configured hosts, only from public addresses, checked after
 * the name was resolved and used as resolved, and again at every redirect; limited in size and time.
 */
import type { LookupAddress } from 'node:dns';
import { lookup as dnsLookup } from 'node:dns/promises';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { DuetError } from '../src/core/errors.ts';
import { isPublicAddress } from './network-address.ts';

export interface ImageUrlOptions {
  /** Host names, `*.example.org` for all below one; none turns fetching off. */
  readonly hosts: readonly string[];
  readonly maxBytes: number;
  /** @default 10 seconds, for everything together */
  readonly timeoutMs?: number;
  /** All addresses of a name. @default the system's resolver */
  readonly lookup?: (host: string) => Promise<readonly LookupAddress[]>;
  /** One GET of `url` from exactly `address`. @default node:http and node:https */
  readonly get?: GetFrom;
}

export type GetFrom = (url: URL, address: LookupAddress, signal: AbortSignal) => Promise<FetchedPart>;

export interface FetchedPart {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: AsyncIterable<Uint8Array>;
}

const mostRedirects = 3;
const defaultTimeoutMs = 10_000;

/**
 * The bytes behind `text`.
 * @throws DuetError 'not-allowed' for hosts and addresses that may not be asked, 'invalid-image' if there is nothing to get
 */
export async function fetchImage(text: string, options: ImageUrlOptions, signal?: AbortSignal): Promise<Uint8Array> {
  const { hosts, timeoutMs = defaultTimeoutMs } = options;
  if (hosts.length === 0) {
    throw new DuetError('not-allowed', 'Pictures are not fetched from URLs here; send them as data URLs or files');
  }
  signal?.throwIfAborted();
  const url = parseUrl(text);
  const deadline = new AbortController();
  const giveUp = () => deadline.abort();
  const timer = setTimeout(giveUp, timeoutMs);
  signal?.addEventListener('abort', giveUp, { once: true });
  try {
    return await follow(url, options, deadline.signal);
  } catch (error) {
    signal?.throwIfAborted();
    if (DuetError.isInstance(error)) throw error;
    const reason = deadline.signal.aborted ? `no answer within ${timeoutMs} ms` : 'the connection failed';
    const message = `The picture could not be fetched from ${url.host}: ${reason}`;
    throw new DuetError('invalid-image', message, { cause: error });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', giveUp);
    deadline.abort(); // closes connections whose answers nobody read to the end
  }
}

/** The bytes behind `start` or behind what it redirects to, each of them checked. */
async function follow(start: URL, options: ImageUrlOptions, signal: AbortSignal): Promise<Uint8Array> {
  const { hosts, maxBytes, lookup = lookupAll, get = getFrom } = options;
  let url = start;
  for (let redirects = 0; redirects <= mostRedirects; redirects++) {
    requireHost(url, hosts);
    const { status, location, body } = await get(url, await resolve(url, lookup), signal);
    if (status === 200) return readUpTo(body, maxBytes);
    if (status < 300 || status >= 400 || location === undefined) {
      throw new DuetError('invalid-image', `${url.host} answered the picture's URL with ${status}`);
    }
    url = parseUrl(location, url);
  }
  throw new DuetError('invalid-image', `The picture's URL redirects more than ${mostRedirects} times`);
}

/** URL parsing itself turns decimal, octal, hexadecimal and short spellings of IPv4 addresses into the usual one. */
function parseUrl(text: string, base?: URL): URL {
  const url = URL.canParse(text, base?.href) ? new URL(text, base?.href) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new DuetError('not-allowed', 'A picture URL must begin with https:// or http://, or be a data URL');
  }
  if (url.username !== '' || url.password !== '') {
    throw new DuetError('not-allowed', 'A picture URL must not hold a user name or password');
  }
  return url;
}

function requireHost({ hostname }: URL, hosts: readonly string[]): void {
  const name = hostname.toLowerCase().replace(/\.$/, '');
  const isAllowed = hosts.some(host =>
    host.startsWith('*.') ? name.endsWith(host.slice(1).toLowerCase()) : name === host.toLowerCase(),
  );
  if (!isAllowed) throw new DuetError('not-allowed', `Pictures may not be fetched from ${name}; send a data URL`);
}

/** An address of the URL's host, if all of them are public: a name with a private one among them is a trap. */
async function resolve(url: URL, lookup: NonNullable<ImageUrlOptions['lookup']>): Promise<LookupAddress> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const family = isIP(host);
  const addresses = family ? [{ address: host, family }] : await lookup(host).catch(() => []);
  const [first] = addresses;
  if (!first) throw new DuetError('invalid-image', `The host ${url.hostname} of the picture's URL is not known`);
  if (addresses.every(({ address }) => isPublicAddress(address))) return first;
  throw new DuetError('not-allowed', `Pictures may not be fetched from ${url.hostname}: its address is not public`);
}

async function readUpTo(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxBytes) {
      throw new DuetError('too-large', `The picture behind the URL has more than ${maxBytes} bytes; use a smaller one`);
    }
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

function lookupAll(host: string): Promise<readonly LookupAddress[]> {
  return dnsLookup(host, { all: true, verbatim: true });
}

/** Connects to the address that was checked; the name is only in the Host header and in TLS. */
export const getFrom: GetFrom = (url, { address, family }, signal) =>
  new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? requestHttps : requestHttp;
    const headers = { accept: 'image/*', 'user-agent': 'duet' };
    const lookup: LookupFunction = (_host, options, done) => {
      if (options.all) done(null, [{ address, family }]);
      else done(null, address, family);
    };
    const request = send(url, { headers, signal, lookup, agent: false }, (response: IncomingMessage) =>
      resolve({ status: response.statusCode ?? 0, location: response.headers.location, body: response }),
    );
    request.on('error', reject);
    request.end();
  });
