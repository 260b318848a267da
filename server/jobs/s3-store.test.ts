/** What is particular to a bucket: keys and addresses, faults that say what to do, outages, one server per prefix. */
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { buildApp } from '../app.ts';
import { serverConfig } from '../config.ts';
import { examine } from '../doctor.ts';
import { fakeModel } from '../testing/fake-model.ts';
import { type TestS3, testS3 } from '../testing/test-s3.ts';
import { newRecord } from './records.ts';
import { s3Bucket } from './s3-bucket.ts';
import { s3Location } from './s3-location.ts';
import { checkWritableBucket, openS3Store } from './s3-store.ts';
import type { JobRecord } from './store.ts';

let s3: TestS3;
beforeAll(async () => {
  s3 = await testS3();
});
afterAll(() => s3.remove());
afterEach(() => {
  vi.unstubAllEnvs();
});

const silent = () => {};
const nowhere = { s3Endpoint: null, s3Region: null };
const keyed = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'hush-hush' };

function record(): JobRecord {
  return newRecord({ mode: 't2i', prompt: 'an apple' }, { owner: 'tester', isAwaited: false }, Date.now()).record;
}

describe('s3Location', () => {
  it('reads what the AWS tools read, after what the configuration says', () => {
    expect(s3Location('s3://bucket', nowhere, keyed)).toMatchObject({
      bucket: 'bucket',
      prefix: '',
      endpoint: 'https://s3.us-east-1.amazonaws.com',
    });
    const env = {
      ...keyed,
      AWS_REGION: 'eu-west-1',
      AWS_ENDPOINT_URL: 'http://a:1',
      AWS_ENDPOINT_URL_S3: 'http://b:2/',
    };
    expect(s3Location('s3://bucket/a/b_c.d/', nowhere, env)).toMatchObject({
      prefix: 'a/b_c.d',
      endpoint: 'http://b:2',
      region: 'eu-west-1',
    });
    expect(s3Location('s3://bucket', { s3Endpoint: 'https://c:3', s3Region: 'here' }, env)).toMatchObject({
      endpoint: 'https://c:3',
      region: 'here',
    });
  });

  it.each([
    's3:',
    's3://',
    's3://ab',
    's3://Bucket',
    's3://bucket//x',
    's3://bucket/../x',
    's3://bucket/./x',
    's3://b/x',
  ])('refuses %j', url => {
    expect(() => s3Location(url, nowhere, keyed)).toThrow('s3://bucket/prefix');
  });

  it('takes no prefix that leaves the bucket', () => {
    const segment = fc.constantFrom('.', '..', '...', '', 'a', '%2e%2e', 'b c', '?', '#', '\\', 'é');
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 4 }), segments => {
        const url = ['s3://bucket', ...segments].join('/');
        try {
          const { prefix } = s3Location(url, nowhere, keyed);
          expect(new URL(`http://host/bucket/${prefix}`).pathname).toBe(`/bucket/${prefix}`);
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid-config' });
        }
      }),
    );
  });

  it('says which part of a key is missing, and repeats no password of an address', () => {
    expect(() => s3Location('s3://bucket', nowhere, {})).toThrow('AWS_ACCESS_KEY_ID');
    expect(() => s3Location('s3://bucket', nowhere, { AWS_ACCESS_KEY_ID: 'id' })).toThrow('AWS_SECRET_ACCESS_KEY');
    expect(() => s3Location('s3://bucket', nowhere, { ...keyed, AWS_SESSION_TOKEN: 't' })).toThrow('AWS_SESSION_TOKEN');
    for (const endpoint of ['http://me:hush-hush@host', 'ftp://hush-hush', 'hush-hush', 'http://host/hush-hush']) {
      const place = () => s3Location('s3://bucket', nowhere, { ...keyed, AWS_ENDPOINT_URL: endpoint });
      expect(place).toThrow('http://host:port');
      expect(place).not.toThrow('hush-hush');
    }
  });
});

describe('a bucket that cannot be used', () => {
  it.each([
    ['a missing bucket', 's3://absent/x', {}, 'no bucket absent'],
    ['an unknown key', 's3://duet/x', { AWS_ACCESS_KEY_ID: 'hush-hush' }, 'refuses access'],
  ])('is told clearly: %s', async (_, url, env, message) => {
    const opening = openS3Store(s3.place(url, env), silent);
    await expect(opening).rejects.toMatchObject({ code: 'invalid-config', message: expect.stringContaining(message) });
    await expect(checkWritableBucket(s3.place(url, env))).rejects.not.toThrow('hush-hush');
  });

  it('is told clearly: nobody there, a wrong secret, another region, or no such store at all', async () => {
    const nobody = { ...s3.place('s3://duet/x'), endpoint: 'http://127.0.0.1:9' };
    await expect(openS3Store(nobody, silent)).rejects.toThrow('cannot be reached');
    const answers = [
      { status: 301, body: '', told: '--s3-region' },
      { status: 403, body: '<Error><Code>SignatureDoesNotMatch</Code></Error>', told: '403 SignatureDoesNotMatch' },
      { status: 400, body: '<Error><Code>AuthorizationHeaderMalformed</Code></Error>', told: '--s3-region' },
      { status: 400, body: '<html>hush-hush</html>', told: 'fails at s3://duet/x (400' },
    ];
    let answer = answers[0]!;
    const other = createServer((_, response) =>
      response
        .writeHead(answer.status, { location: 'http://127.0.0.1:9/', 'content-type': 'application/xml' })
        .end(answer.body),
    );
    await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    for (answer of answers) {
      const opening = openS3Store({ ...nobody, endpoint: `http://127.0.0.1:${port}` }, silent);
      await expect(opening).rejects.toThrow(answer.told);
    }
    other.closeAllConnections();
    other.close();
  });
});

describe('openS3Store', () => {
  it('keeps prefixes apart, and lets everything else in the bucket alone', async () => {
    const bucket = s3Bucket(s3.place('s3://duet'));
    const one = await openS3Store(s3.place('s3://duet/apart'), silent);
    const two = await openS3Store(s3.place('s3://duet/apart-too'), silent);
    const whole = await openS3Store(s3.place('s3://duet'), silent);
    const saved = record();
    await one.save(saved);
    await bucket.put('apart/jobs/readme.txt', 'mine', 'text/plain');
    await bucket.put(`apart/jobs/2001-01-01/${saved.id}/job.json`, 'mine', 'text/plain');
    expect(await one.load()).toEqual([saved]);
    expect([await two.load(), await whole.load()]).toEqual([[], []]);
    for (const store of [one, two, whole]) {
      await expect(store.remove('../../apart')).rejects.toMatchObject({
        cause: { message: expect.stringContaining('id') },
      });
      await store.remove(saved.id);
      await store.close();
    }
    expect(await bucket.list('apart')).toEqual([`apart/jobs/2001-01-01/${saved.id}/job.json`, 'apart/jobs/readme.txt']);
  });

  it('leaves damaged records alone but not unsaid', async () => {
    const place = s3.place('s3://duet/damaged');
    const store = await openS3Store(place, silent);
    const damaged = record();
    await store.save(damaged);
    await store.close();
    const [key] = await s3Bucket(place).list('damaged/');
    await s3Bucket(place).put(key!, '{"format":', 'application/json');
    const warnings: string[] = [];
    const again = await openS3Store(place, message => warnings.push(message));
    expect(await again.load()).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining(damaged.id)]);
    expect(await s3Bucket(place).list('damaged/jobs/')).toEqual([key]);
    await again.close();
  });

  it('tells clearly of an outage, goes on after it, and writes then how jobs ended meanwhile', async () => {
    const place = s3.place('s3://duet/outage');
    const warnings: string[] = [];
    const store = await openS3Store(place, message => warnings.push(message), { renewMs: 500, staleMs: 120_000 });
    const [kept, refused] = [record(), record()];
    await store.save(kept);
    await s3.stop();
    const ended = { ...kept, status: 'succeeded', ended: Date.now() } as const;
    await expect(store.save(ended)).rejects.toMatchObject({ code: 'overloaded' });
    await expect(store.save(refused)).rejects.toMatchObject({ code: 'overloaded' });
    await expect(store.readFile(kept.id, '0.png')).rejects.toThrow('try again later');
    expect(warnings).toContainEqual(expect.stringContaining('cannot be reached (ECONNREFUSED)'));
    await s3.start();
    await store.writeFile(kept.id, '0.png', new Uint8Array([7]));
    expect([...(await store.readFile(kept.id, '0.png'))!]).toEqual([7]);
    await expect.poll(() => store.load(), { timeout: 60_000 }).toEqual([ended]);
    await store.close();
  });

  it.each([
    [507, 'XMinioStorageFull'],
    [403, 'QuotaExceeded'],
    [400, 'XMinioAdminBucketQuotaExceeded'],
    [403, 'StorageCapExceeded'],
  ])('tells of a full store, %i %s, and writes again when there is room', async (status, code) => {
    let isFull = false;
    const proxy = createServer((request, response) => {
      if (isFull && request.method === 'PUT') {
        request.resume();
        return response.writeHead(status).end(`<Error><Code>${code}</Code></Error>`);
      }
      const { method, headers, url } = request;
      const target = httpRequest(s3.endpoint + url, { method, headers }, answer => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
      request.pipe(target);
    });
    await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve));
    const { port } = proxy.address() as AddressInfo;
    const place = { ...s3.place(`s3://duet/full-${code.toLowerCase()}`), endpoint: `http://127.0.0.1:${port}` };
    const store = await openS3Store(place, silent);
    isFull = true;
    const saved = record();
    const writeFile = () => store.writeFile(saved.id, 'image', new Uint8Array([1]));
    for (const write of [() => store.save(saved), writeFile, () => store.probe(9)]) {
      await expect(write()).rejects.toMatchObject({
        code: 'storage-full',
        message: expect.stringMatching(new RegExp(`is full at s3://duet/full.*${status} ${code}`)),
      });
    }
    isFull = false;
    await store.probe(9);
    await store.save(saved);
    await store.close();
    expect(await s3Bucket(place).list(place.prefix)).toEqual([expect.stringContaining('job.json')]);
    proxy.closeAllConnections();
    proxy.close();
  });

  it('tries again what fails in passing', async () => {
    let count = 0;
    const flaky = createServer((request, response) => {
      count++;
      if (count === 1) return request.socket.destroy();
      if (count === 2) return response.writeHead(503).end();
      request.resume().on('end', () => response.writeHead(200).end());
    });
    await new Promise<void>(resolve => flaky.listen(0, '127.0.0.1', resolve));
    const { port } = flaky.address() as AddressInfo;
    await s3Bucket({ ...s3.place('s3://duet'), endpoint: `http://127.0.0.1:${port}` }).put('key', 'text', 'text/plain');
    expect(count).toBe(3);
    flaky.closeAllConnections();
    flaky.close();
  });
});

describe('two servers on one prefix', () => {
  const times = { renewMs: 300, staleMs: 4000 };

  it('the second one is refused while the first one lives', async () => {
    const place = s3.place('s3://duet/two');
    const store = await openS3Store(place, silent, times);
    await expect(openS3Store(place, silent, times)).rejects.toThrow(`used by the process ${process.pid}`);
    await store.save(record());
    await store.close();
    await (await openS3Store(place, silent, times)).close();
  });

  it('a dead one is waited out, and one that lost its prefix writes no more', async () => {
    const place = s3.place('s3://duet/dead');
    const lock = JSON.stringify({ id: 'another', host: 'elsewhere', pid: 1 });
    await s3Bucket(place).put('dead/server.lock', lock, 'application/json');
    const warnings: string[] = [];
    const store = await openS3Store(place, message => warnings.push(message), times);
    expect(warnings).toEqual([expect.stringContaining('process 1 of elsewhere: waiting')]);
    await store.save(record());
    await s3Bucket(place).put('dead/server.lock', lock, 'application/json');
    await expect.poll(() => warnings.at(-1), { timeout: 60_000 }).toContain('is used by the process 1 of elsewhere');
    await expect(store.save(record())).rejects.toMatchObject({ code: 'overloaded' });
    await store.close();
    expect(await s3Bucket(place).get('dead/server.lock')).toBeDefined();
  });
});

describe('a server with its results in a bucket', () => {
  it('serves history and pictures after a restart, and shows no key', async () => {
    for (const [name, value] of Object.entries(s3.env)) vi.stubEnv(name, value);
    const config = serverConfig({ data: 's3://duet/service', s3Endpoint: s3.endpoint, maxEventLoopDelay: 0 });
    const lines: string[] = [];
    const build = () => {
      const logger = { level: 'trace', stream: { write: (line: string) => lines.push(line) } };
      return buildApp({ config, models: [fakeModel()], logger });
    };
    const app = await build();
    const payload = { mode: 't2i', prompt: 'an apple' };
    const { id } = (await app.inject({ method: 'POST', url: '/v1/jobs', payload })).json<{ id: string }>();
    const job = async (from: typeof app) => (await from.inject(`/v1/jobs/${id}`)).json<{ status: string }>();
    await expect.poll(async () => (await job(app)).status, { timeout: 60_000 }).toBe('succeeded');
    const picture = (await app.inject(`/v1/jobs/${id}/files/0.png`)).rawPayload;
    const before = await job(app);
    await app.close();

    const again = await build();
    expect(await job(again)).toEqual(before);
    const kept = await again.inject(`/v1/jobs/${id}/files/0.png`);
    expect([kept.statusCode, kept.headers['content-type']]).toEqual([200, 'image/png']);
    expect(kept.rawPayload.equals(picture)).toBe(true);
    await s3.stop();
    const away = await again.inject(`/v1/jobs/${id}/files/0.png`);
    expect([away.statusCode, away.headers['retry-after']]).toEqual([503, '5']);
    expect((await again.inject({ method: 'POST', url: '/v1/jobs', payload })).statusCode).toBe(503);
    await s3.start();
    expect((await again.inject(`/v1/jobs/${id}/files/0.png`)).statusCode).toBe(200);
    await again.inject({ method: 'DELETE', url: `/v1/jobs/${id}` });
    await again.close();
    expect(await s3Bucket(s3.place('s3://duet')).list('service/')).toEqual([]);
    expect(lines.join('')).not.toContain('S3RVER');
  });

  it('is examined by the doctor', async () => {
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'hush-hush');
    const report = async (keyId: string) => {
      vi.stubEnv('AWS_ACCESS_KEY_ID', keyId);
      const config = serverConfig({ data: 's3://duet/doctor', s3Endpoint: s3.endpoint });
      const origins = {} as Parameters<typeof examine>[0]['origins'];
      return examine({ config, origins, file: undefined, unknownVariables: [] });
    };
    const good = await report('S3RVER');
    expect(good.checks).toContainEqual(expect.objectContaining({ name: 'data folder', isFine: true }));
    const bad = await report('hush-id');
    const check = bad.checks.find(({ name }) => name === 'data folder');
    expect(check).toMatchObject({ isFine: false, detail: expect.stringContaining('refuses access') });
    expect(JSON.stringify([good, bad])).not.toMatch(/S3RVER|hush-/);
  });
});
