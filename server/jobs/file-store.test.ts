/** Jobs in files: whole or not at all, through crashes, damage and a second server. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeModel } from '../testing/fake-model.ts';
import { jobLimits } from '../testing/job-limits.ts';
import { checkWritable } from './data-folder.ts';
import { openFileStore } from './file-store.ts';
import { InProcessJobs } from './in-process.ts';
import { newRecord } from './records.ts';
import type { JobRecord } from './store.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'duet-store-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const silent = () => {};

function record(now = Date.now()): JobRecord {
  const { record: made } = newRecord({ mode: 't2i', prompt: 'an apple' }, { owner: 'tester', isAwaited: false }, now);
  return made;
}

/** The folder of a job, wherever its day put it. */
async function folderOf(id: string): Promise<string> {
  const days = await readdir(join(folder, 'jobs'));
  return join(folder, 'jobs', days[0]!, id);
}

describe('openFileStore', () => {
  it('sweeps what was never admitted or half written, and leaves damaged records alone but not unsaid', async () => {
    const store = await openFileStore(folder, silent);
    const [whole, damaged, unknown] = [record(), record(), record()];
    for (const { id } of [whole, damaged, unknown]) await store.writeFile(id, 'image', new Uint8Array([1]));
    await store.save(whole);
    await store.save(damaged);
    await writeFile(join(await folderOf(damaged.id), 'job.json'), '{"format":');
    await writeFile(join(await folderOf(whole.id), '0.png.writing'), 'half');
    await store.close();
    const warnings: string[] = [];
    const again = await openFileStore(folder, message => warnings.push(message));
    expect((await again.load()).map(({ id }) => id)).toEqual([whole.id]);
    expect(warnings).toEqual([expect.stringContaining(damaged.id)]);
    expect((await readdir(join(await folderOf(whole.id), '..'))).sort()).toEqual([whole.id, damaged.id].sort());
    expect((await readdir(await folderOf(whole.id))).sort()).toEqual(['image', 'job.json']);
    await again.close();
  });

  it('refuses a folder that another server uses, and takes over a dead one', async () => {
    const store = await openFileStore(folder, silent);
    await expect(openFileStore(folder, silent)).rejects.toMatchObject({ code: 'invalid-config' });
    await store.close();
    for (const stale of ['999999999 1', `${process.pid} 1`, 'nonsense', '']) {
      await writeFile(join(folder, 'server.lock'), stale);
      await (await openFileStore(folder, silent)).close();
    }
  });

  it('says which folder cannot be written', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    await expect(openFileStore(join(file, 'data'), silent)).rejects.toThrow(join(file, 'data'));
    await expect(checkWritable(join(file, 'data'))).rejects.toMatchObject({ code: 'invalid-config' });
    await mkdir(join(folder, 'fine'));
    await checkWritable(join(folder, 'fine'));
    expect(await readdir(join(folder, 'fine'))).toEqual([]);
  });
});

describe('a process that is killed', () => {
  it('loses no job: all of them are done by the next one', async () => {
    const script = fileURLToPath(new URL('../testing/crash-process.ts', import.meta.url));
    const child = spawn(process.execPath, ['--import', 'tsx', script, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    const ids = line.split(' ');
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
    expect(await readFile(join(await folderOf(ids[1]!), 'job.json'), 'utf8')).toContain('"queued"');

    const model = fakeModel();
    const jobs = await InProcessJobs.open({
      models: [model],
      store: await openFileStore(folder, silent),
      limits: jobLimits({ maxRunning: 2, maxQueue: 0 }),
      unfinished: 'requeue',
      log: { error: details => expect.fail(JSON.stringify(details)) },
      observers: [],
      version: '0.0.0',
    });
    for (const id of ids) for await (const _ of jobs.events(id));
    expect(ids.map(id => jobs.view(id)!.status)).toEqual(['succeeded', 'succeeded', 'succeeded']);
    expect(model.calls.map(({ inputs }) => [...(inputs[0] as Uint8Array)]).sort()).toEqual([
      [137, 0],
      [137, 1],
      [137, 2],
    ]);
    await jobs.drain(0);
    await jobs.close();
  });
});
