/** Requests as the store receives them: signed by AWS Signature Version 4, worked out here a second time. */
import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { s3Bucket } from './s3-bucket.ts';
import { s3Place } from './s3-place.ts';

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
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const config = { s3Endpoint: `http://127.0.0.1:${port}`, s3Region: 'here-1' };
  const bucket = s3Bucket(s3Place('s3://bucket', config, { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: secret }));
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
