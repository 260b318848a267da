/**
 * API keys: `Authorization: Bearer <key>`, or Basic with the key as password (or as user name) for A1111 clients and for
 * browsers, which then send it along with pictures and event streams too. Without configured keys any header is accepted.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DuetError } from '../../src/core/errors.ts';
import { trimKeys } from '../api-keys.ts';
import { streamPath } from '../routes/replicate/stream-addresses.ts';
import { createAuthThrottle } from './auth-throttle.ts';
import { pathOf } from './request-path.ts';

/** Digits of a key's digest that tell its owner's jobs from others'. */
const ownerDigits = 16;
/** Addresses of streams bring what they need along. */
const openPaths = ['/health/', `${streamPath}/`];

export function requireApiKey(app: FastifyInstance, apiKeys: readonly string[]): void {
  const digests = trimKeys(apiKeys).map(digest);
  app.decorateRequest('owner', 'anonymous');
  if (digests.length === 0) return;
  const wrongKeys = createAuthThrottle();
  app.addHook('onRequest', async (request, reply) => {
    const path = pathOf(request);
    if (openPaths.some(open => path.startsWith(open))) return;
    const candidates = candidatesOf(request);
    const known = candidates.find(candidate => isOneOf(digests, digest(candidate)));
    if (known !== undefined) {
      request.owner = `key-${digest(known).toString('hex').slice(0, ownerDigits)}`;
      return;
    }
    if (candidates.length > 0) wrongKeys.count(request.ip); // a right key passes however many wrong ones came before
    const isApi = /^\/(replicate\/)?v1\//.test(path);
    reply.header('www-authenticate', isApi ? 'Bearer' : 'Basic realm="duet", charset="UTF-8"');
    throw new DuetError('unauthorized', 'A valid API key is missing; send one as Authorization: Bearer <key>');
  });
}

/** Compares with all of them, so that the time tells nothing about which one is near. */
function isOneOf(digests: readonly Buffer[], candidate: Buffer): boolean {
  return digests.map(known => timingSafeEqual(known, candidate)).includes(true);
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

function candidatesOf({ headers }: FastifyRequest): readonly string[] {
  const [, scheme = '', credentials = ''] = /^(\w+) +(\S.*)$/.exec(headers.authorization ?? '') ?? [];
  if (scheme.toLowerCase() === 'bearer') return [credentials.trim()];
  if (scheme.toLowerCase() !== 'basic') return [];
  const text = Buffer.from(credentials, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? [] : [text.slice(colon + 1), text.slice(0, colon)].filter(part => part !== '');
}
