/** A store that cannot be written: what failed goes again, requests hear why, and all goes on when there is room. */
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DuetError } from '../../src/core/errors.ts';
import { buildApp } from '../app.ts';
import { serverConfig } from '../config.ts';
import { toProblem } from '../errors.ts';
import { fakeModel } from '../testing/fake-model.ts';
import { jobLimits } from '../testing/job-limits.ts';
import { type SmallDisk, smallDisk } from '../testing/small-disk.ts';
import { openFileStore } from './file-store.ts';
import { InProcessJobs } from './in-process.ts';
import { createJobId } from './job-id.ts';
import { memoryStore } from './memory-store.ts';
import { toStorageError } from './storage-errors.ts';
import type { JobRecord, JobStore } from './store.ts';
import { dayOf } from './stored-names.ts';

const owner = 'tester';
const patient = { timeout: 60_000 };
const systemError = (code: string) => Object.assign(new Error(`${code}: secret`), { code, syscall: 'write' });

describe('toStorageError', () => {
  it.each([
    ['ENOSPC', 507, 'storage_full', 'disk is full'],
    ['EDQUOT', 507, 'storage_full', 'disk is full'],
    ['EROFS', 503, 'overloaded', 'read-only'],
    ['EACCES', 503, 'overloaded', 'may not write'],
    ['EPERM', 503, 'overloaded', 'may not write'],
    ['EIO', 503, 'overloaded', 'disk fails'],
    ['EMFILE', 503, 'overloaded', 'ulimit'],
    ['ENFILE', 503, 'overloaded', 'too many files'],
    ['ESTALE', 503, 'overloaded', 'log of the server'],
  ])('tells %s with %i, the folder and what to do', (code, status, wire, words) => {
    const problem = toProblem(toStorageError(systemError(code), '/mnt/duet'));
    expect(problem).toMatchObject({ status, code: wire });
    expect(problem.retryAfter).toBeGreaterThan(0);
    for (const word of ['/mnt/duet', code, words]) expect(problem.message).toContain(word);
    expect(problem.message).not.toContain('secret');
  });

  it('leaves other errors as they are', () => {
    const errors = [new TypeError('x'), new DuetError('invalid-argument', 'x'), null, 'ENOSPC'];
    for (const error of errors) expect(toStorageError(error, '/')).toBe(error);
  });
});

describe.skipIf(process.platform !== 'linux')('a file that cannot be written whole (needs /dev/full)', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'duet-full-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('leaves the old one and nothing else', async () => {
    const store = await openFileStore(folder, () => {});
    const id = createJobId(Date.now());
    await store.writeFile(id, 'image', new Uint8Array([1]));
    const place = join(folder, 'jobs', dayOf(id), id);
    await symlink('/dev/full', join(place, 'image.writing'));
    await expect(store.writeFile(id, 'image', new Uint8Array([2, 3]))).rejects.toMatchObject({ code: 'storage-full' });
    expect(await readdir(place)).toEqual(['image']);
    expect([...(await readFile(join(place, 'image')))]).toEqual([1]);
    await store.close();
  });

  it('and remnants of a crash are swept at the next start', async () => {
    const id = createJobId(Date.now());
    await mkdir(join(folder, 'jobs', dayOf(id), id), { recursive: true });
    await writeFile(join(folder, 'jobs', dayOf(id), id, 'job.json.writing'), '{');
    await writeFile(join(folder, '.probe-123'), 'half');
    const store = await openFileStore(folder, () => {});
    expect(await store.load()).toEqual([]);
    await store.close();
    expect(await readdir(folder)).toEqual(['jobs']);
    expect(await readdir(join(folder, 'jobs', dayOf(id)))).toEqual([]);
  });
});

describe('jobs whose store fails', () => {
  const drawing = { mode: 't2i', prompt: 'an apple', n: 3 } as const;

  /** Fails as a full disk does where `fails` says so. */
  async function setUp(pace: 'instant' | 'stepwise' = 'instant') {
    const files = new Map<string, Uint8Array>();
    const records = new Map<string, JobRecord>();
    let fails: (name: string) => boolean = () => false;
    const write = async (name: string, done: () => void) => {
      if (fails(name)) throw toStorageError(systemError('ENOSPC'), '/data');
      done();
    };
    const store: JobStore = {
      ...memoryStore(),
      save: record => write('job.json', () => records.set(record.id, record)),
      writeFile: (id, name, bytes) => write(name, () => files.set(`${id}/${name}`, bytes)),
      readFile: async (id, name) => files.get(`${id}/${name}`),
      removeFiles: async (id, names) => {
        for (const name of names) files.delete(`${id}/${name}`);
      },
      remove: async id => {
        records.delete(id);
        for (const path of files.keys()) if (path.startsWith(id)) files.delete(path);
      },
      probe: () => write('probe', () => {}),
    };
    const model = fakeModel({ pace });
    const jobs = await InProcessJobs.open({
      models: [model],
      store,
      limits: jobLimits({}),
      unfinished: 'requeue',
      log: { error: () => {} },
      observers: [],
      version: '0.0.0',
    });
    const failAt = (name: RegExp) => {
      fails = written => name.test(written);
    };
    return { jobs, model, files, records, failAt };
  }

  async function ended(jobs: InProcessJobs, id: string) {
    for await (const _ of jobs.events(id));
    return jobs.view(id)!;
  }

  it('leave nothing behind where they are not accepted, and run when there is room', async () => {
    const { jobs, files, records, failAt } = await setUp();
    const request = { mode: 'i2t', image: new Uint8Array([1]) } as const;
    for (const place of [/image|probe/, /job\.json|probe/]) {
      failAt(place);
      await expect(jobs.submit(request, { owner })).rejects.toMatchObject({ code: 'storage-full' });
      expect([files.size, records.size, jobs.list({ owner, limit: 9 }).length, jobs.queued]).toEqual([0, 0, 0, 0]);
      expect(jobs.checks.flatMap(({ objection }) => objection() ?? [])).toEqual([
        expect.stringContaining('disk is full'),
      ]);
    }
    failAt(/^$/);
    const { id } = await jobs.submit(request, { owner });
    expect(await ended(jobs, id)).toMatchObject({ status: 'succeeded' });
    expect(jobs.checks.flatMap(({ objection }) => objection() ?? [])).toEqual([]);
  });

  it('keep all pictures of a result or none, and say why', async () => {
    const { jobs, files, failAt } = await setUp();
    failAt(/^1\.png|probe/);
    const { id } = await jobs.submit(drawing, { owner });
    const view = await ended(jobs, id);
    expect(view).toMatchObject({ status: 'failed', error: { code: 'storage-full' } });
    expect(view.error!.message).toContain('/data');
    expect([...files.keys()]).toEqual([]);
    await expect(jobs.submit(drawing, { owner })).rejects.toMatchObject({ code: 'storage-full' });
  });

  it.each(['image', 'job.json', '1.png', '^.*$'])(
    'do all the same what a client takes away at once, and keep nothing of it: %s',
    async place => {
      const { jobs, files, records, failAt } = await setUp();
      failAt(new RegExp(`${place}|probe`));
      const { signal } = new AbortController();
      const image = new Uint8Array([7]);
      const { samples } = await jobs.run({ mode: 'i2t2i', image, n: 3, seed: 4 }, { owner, signal });
      expect(samples.map(({ seed, png, file }) => [seed, png!.length > 0, file])).toEqual([
        [4, true, undefined],
        [5, true, undefined],
        [6, true, undefined],
      ]);
      expect([files.size, records.size, jobs.list({ owner, limit: 9 }).length]).toEqual([0, 0, 0]);
      const needy = jobs.run(drawing, { owner, signal, needsFiles: true });
      await expect(needy).rejects.toMatchObject({ code: 'storage-full' });
      expect([files.size, records.size]).toEqual([0, 0]);
    },
  );

  it('are refused together with their twins of one Idempotency-Key', async () => {
    const { jobs, failAt } = await setUp();
    failAt(/job|probe/);
    const twins = [1, 2].map(() => jobs.submit(drawing, { owner, idempotencyKey: 'k' }));
    for (const twin of await Promise.allSettled(twins)) expect(twin.status).toBe('rejected');
    failAt(/^$/);
    expect(await jobs.submit(drawing, { owner, idempotencyKey: 'k' })).toMatchObject({ mode: 't2i' });
  });

  it('stay in the history when they cannot be removed', async () => {
    const { jobs } = await setUp();
    const { id } = await jobs.submit(drawing, { owner });
    await ended(jobs, id);
    expect(await jobs.remove(id)).toBe(true);
    expect(await jobs.remove(id)).toBe(false);
  });
});

const disk = await smallDisk(256);
afterAll(() => disk?.remove());

describe.skipIf(!disk)('a data folder on a full disk (needs the right to mount)', () => {
  const { folder, setReadOnly } = (disk ?? {}) as SmallDisk;
  let app: FastifyInstance;
  let data: string;
  beforeAll(async () => {
    data = join(folder, 'data');
    const config = serverConfig({ data, maxEventLoopDelay: 0 });
    app = await buildApp({ config, models: [fakeModel()], pageFolder: '/nowhere' });
  });
  afterEach(() => free());
  afterAll(() => app.close());

  const filler = join(folder ?? '', 'filler');
  /** Until not a byte more fits. */
  const fill = async (spare = 0) => {
    await writeFile(filler, new Uint8Array(2 ** 20)).catch(() => {});
    if (spare > 0) await writeFile(filler, new Uint8Array((await readFile(filler)).length - spare));
  };
  const free = () => rm(filler, { force: true });
  const post = (url: string, payload: object) => app.inject({ method: 'POST', url, payload });
  const ready = async () =>
    (await app.inject('/health/ready')).json<{ status: string; reasons: { message: string }[] }>();
  const remnants = async () => {
    const paths = await readdir(data, { recursive: true, withFileTypes: true });
    return paths.filter(path => path.isFile()).map(({ name }) => name);
  };

  it('answers 507 in the words of each family, serves what needs no file, and goes on by itself', async () => {
    await fill();
    const prompt = 'an apple';
    const message = expect.stringMatching(/disk is full.*free some space/);
    const native = await post('/v1/jobs', { mode: 't2i', prompt });
    expect([native.statusCode, native.headers['retry-after'], native.headers['x-should-retry']]).toEqual([
      507,
      '60',
      'false',
    ]);
    expect(native.json()).toMatchObject({ error: { code: 'storage_full', type: 'server_error', message } });
    expect(native.json().error.message).toContain(data);
    for (const stream of [false, true]) {
      const url = await post('/v1/images/generations', { prompt, response_format: 'url', stream });
      expect([url.statusCode, url.json().error.code]).toEqual([507, 'storage_full']);
    }
    const replicate = await post('/replicate/v1/models/duet/fake/predictions', { input: { prompt } });
    expect(replicate.json()).toMatchObject({ title: 'Insufficient Storage', detail: message, status: 507 });

    const drawn = await post('/v1/images/generations', { prompt, n: 2 });
    expect([drawn.statusCode, drawn.json().data.length]).toEqual([200, 2]);
    const sdapi = await post('/sdapi/v1/txt2img', { prompt });
    expect([sdapi.statusCode, sdapi.json().images.length]).toEqual([200, 1]);
    const image = drawn.json().data[0].b64_json;
    expect((await post('/sdapi/v1/interrogate', { image })).json().caption).toContain('a fake caption');
    const content = [{ type: 'image_url', image_url: { url: `data:image/png;base64,${image}` } }];
    expect((await post('/v1/chat/completions', { messages: [{ role: 'user', content }] })).statusCode).toBe(200);

    expect(await ready()).toMatchObject({ status: 'no-storage', reasons: [{ message }] });
    expect(await remnants()).toEqual(['server.lock']);
    await free();
    await expect.poll(async () => (await ready()).status, patient).toBe('ready');
    const accepted = await post('/v1/jobs', { mode: 't2i', prompt });
    expect(accepted.statusCode).toBe(202);
    // What it stores must not take the room that the next test counts on.
    await app.inject(`/v1/jobs/${accepted.json().id}/events`);
  });

  it('fails a job whose pictures do not all fit, without leaving any of them', async () => {
    await fill(16_384);
    const { id } = (await post('/v1/jobs', { mode: 't2i', prompt: 'an apple', n: 16 })).json<{ id: string }>();
    await app.inject(`/v1/jobs/${id}/events`);
    const job = (await app.inject(`/v1/jobs/${id}`)).json();
    expect(job).toMatchObject({ status: 'failed', error: { code: 'storage_full' } });
    const left = await readdir(join(data, 'jobs', dayOf(id), id));
    expect(left).toEqual(['job.json']);
    await free();
    await expect.poll(async () => (await ready()).status, patient).toBe('ready');
    // How it ended is written now, lest the next server does it again.
    expect(JSON.parse(await readFile(join(data, 'jobs', dayOf(id), id, 'job.json'), 'utf8'))).toMatchObject({
      status: 'failed',
    });
  });

  it('answers 503 while it is read-only', async () => {
    setReadOnly(true);
    const answer = await post('/v1/jobs', { mode: 't2i', prompt: 'an apple' });
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '5']);
    expect(answer.json().error.message).toContain('read-only');
    setReadOnly(false);
    await expect.poll(async () => (await ready()).status, patient).toBe('ready');
  });
});
