/** Requests as the store receives them: signed by AWS Signature Version 4, worked out here a second time. */
import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { newRecord } from './records.ts';
import { s3Bucket } from './s3-bucket.ts';
import { s3Location } from './s3-location.ts';
import { openS3Store } from './s3-store.ts';

const secret = 'hush/hush+';

const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();

/** Of the AWS documentation, "Create a signed AWS API request". */
function signatureOf({ method, url = '', headers }: IncomingMessage): string {
  const [, scope = '', names = ''] =
    /Credential=id\/(\S+), SignedHeaders=(\S+),/.exec(headers.authorization ?? '') ?? [];
  const [path = '', query = ''] = url.split('?');
  const signed = names.split(';').map(name => `${name}:${String(headers[name])}\n`);
  const sha256 = String(headers['x-amz-content-sha256']);
  const sortedQuery = query.split('&').sort().join('&');
  const request = [method, path, sortedQuery, signed.join(''), names, sha256].join('\n');
  const hash = createHash('sha256').update(request).digest('hex');
  const key = scope.split('/').reduce<Buffer | string>(hmac, `AWS4${secret}`);
  return hmac(key, ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, hash].join('\n')).toString('hex');
}

async function placeAt(server: Server) {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const config = { s3Endpoint: `http://127.0.0.1:${port}`, s3Region: 'here-1' };
  return s3Location('s3://bucket', config, { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: secret });
}

/** A store that lists two keys a page, with tokens that need escaping, and never those that end with `hidden`. */
function pagingStore(hidden: string): Server {
  const objects = new Map<string, Buffer>();
  const list = (query: URLSearchParams) => {
    const after = Buffer.from(query.get('continuation-token')?.slice(4) ?? '', 'base64').toString();
    const isListed = (key: string) => key.startsWith(query.get('prefix') ?? '') && !key.endsWith(hidden) && key > after;
    const keys = [...objects.keys()].filter(isListed).sort();
    const page = keys.slice(0, 2);
    const token = `+/= ${Buffer.from(page.at(-1) ?? '').toString('base64')}`;
    const next = keys.length > 2 ? `<NextContinuationToken>${token}</NextContinuationToken>` : '';
    const contents = page.map(key => `<Contents><Key>${key}</Key><Size>1</Size></Contents>`).join('');
    return `<ListBucketResult><IsTruncated>${next !== ''}</IsTruncated>${next}${contents}</ListBucketResult>`;
  };
  return createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://host');
    const key = pathname.replace(/^\/bucket\/?/, '');
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (!request.headers.authorization?.endsWith(signatureOf(request))) return response.writeHead(403).end();
      if (request.method === 'PUT') objects.set(key, Buffer.concat(chunks));
      if (request.method === 'DELETE') objects.delete(key);
      if (request.method !== 'GET') return response.end();
      if (key === '') return response.setHeader('content-type', 'application/xml').end(list(searchParams));
      const found = objects.get(key);
      return found ? response.end(found) : response.writeHead(404).end();
    });
  });
}

it.each(['nothing', 'job.json'])('reads a history of many pages, where the lists leave out %s', async hidden => {
  const server = pagingStore(hidden);
  const place = await placeAt(server);
  const store = await openS3Store(place, () => {});
  const records = Array.from({ length: 5 }, (_, index) => {
    const now = 1_700_000_000_000 + index;
    return newRecord({ mode: 't2i', prompt: 'an apple' }, { owner: 'tester', isAwaited: false }, now).record;
  });
  for (const record of records) {
    await store.writeFile(record.id, '0.png', new Uint8Array([1]));
    await store.save(record);
  }
  expect(await store.load()).toEqual(records);
  for (const { id } of records) expect(await store.readFile(id, '0.png')).toBeDefined();
  await store.close();
  server.closeAllConnections();
  server.close();
});

it('signs reading, writing, listing and removing', async () => {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    const given = /Signature=(\w+)$/.exec(request.headers.authorization ?? '')?.[1];
    seen.push(
      `${request.method} ${given === signatureOf(request) ? 'signed' : 'not signed'} ${request.url?.split('?')[0]}`,
    );
    const list = '<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>';
    request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/xml' }).end(list));
  });
  const bucket = s3Bucket(await placeAt(server));
  await bucket.put('a/b_c.png', new Uint8Array([1]), 'image/png');
  await bucket.get('a/b_c.png');
  await bucket.list('a/');
  await bucket.delete('a/b_c.png');
  server.closeAllConnections();
  server.close();
  expect(seen).toEqual([
    'PUT signed /bucket/a/b_c.png',
    'GET signed /bucket/a/b_c.png',
    'GET signed /bucket/',
    'DELETE signed /bucket/a/b_c.png',
  ]);
});
