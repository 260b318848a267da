/** A server whose data folder is on a full disk, or cannot be used at all, when it starts. */
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { buildApp } from '../app.ts';
import { serverConfig } from '../config.ts';
import { fakeModel } from '../testing/fake-model.ts';
import { type SmallDisk, smallDisk } from '../testing/small-disk.ts';
import { openFileStore } from './file-store.ts';
import { newRecord } from './records.ts';

const patient = { timeout: 60_000 };
const disk = await smallDisk(256);
afterAll(() => disk?.remove());

describe.skipIf(!disk)('a server that starts on a full disk (needs the right to mount)', () => {
  const { folder, setReadOnly } = (disk ?? {}) as SmallDisk;
  const filler = join(folder ?? '', 'filler');
  const fill = () => writeFile(filler, new Uint8Array(2 ** 20)).catch(() => {});
  const free = () => rm(filler, { force: true });
  afterEach(free);

  const start = (data: string) => {
    const config = serverConfig({ data, maxEventLoopDelay: 0 });
    return buildApp({ config, models: [fakeModel()], pageFolder: '/nowhere' });
  };
  const ready = async (app: FastifyInstance) => (await app.inject('/health/ready')).json<{ status: string }>().status;
  const draw = (app: FastifyInstance) =>
    app.inject({ method: 'POST', url: '/v1/jobs', payload: { mode: 't2i', prompt: 'an apple' } });

  it('says so, refuses jobs, takes the folder when there is room, and then has it for itself', async () => {
    const data = join(folder, 'new');
    await fill();
    const app = await start(data);
    expect(await ready(app)).toBe('no-storage');
    expect((await draw(app)).statusCode).toBe(507);
    await free();
    await expect.poll(() => ready(app), patient).toBe('ready');
    expect((await draw(app)).statusCode).toBe(202);
    await expect(start(data)).rejects.toThrow(/is used by the process/);
    await app.close();
    expect(await readdir(data)).toEqual(['jobs']);
  });

  it('shows the history, and runs the jobs of the one before only when their results can be kept', async () => {
    const data = join(folder, 'old');
    const store = await openFileStore(data, () => {});
    const request = { mode: 't2i', prompt: 'an apple', model: 'fake' } as const;
    const { record } = newRecord(request, { owner: 'anonymous', isAwaited: false }, Date.now());
    await store.save(record);
    await store.close();
    await fill();
    const app = await start(data);
    const status = async () => (await app.inject(`/v1/jobs/${record.id}`)).json<{ status: string }>().status;
    expect(await status()).toBe('queued');
    expect(await ready(app)).toBe('no-storage');
    expect(await status()).toBe('queued');
    await free();
    await expect.poll(status, patient).toBe('succeeded');
    await app.close();
  });

  it('is unwell as long as another has taken the folder meanwhile', async () => {
    const data = join(folder, 'shared');
    await fill();
    const late = await start(data);
    await free();
    const other = await openFileStore(data, () => {});
    const answer = await draw(late);
    expect([answer.statusCode, answer.json().error.message]).toEqual([
      503,
      expect.stringMatching(/is used by the process/),
    ]);
    await other.close();
    await expect.poll(() => ready(late), patient).toBe('ready');
    await late.close();
  });

  it('does not start on a path that cannot be used, and says what to do', async () => {
    setReadOnly(true);
    const advice = /read-only.*choose another folder with --data/s;
    for (const data of [join(folder, 'none'), join(folder, 'old')]) {
      await expect(start(data)).rejects.toMatchObject({
        code: 'invalid-config',
        message: expect.stringMatching(advice),
      });
    }
    setReadOnly(false);
  });
});
