/**
 * Jobs as objects of an S3-compatible store: <prefix>/jobs/<day>/<id>/job.json beside the pictures, as in a data folder. An
 * object is there as a whole or not at all. One server uses a prefix at a time: see s3-lease.ts.
 */
import { randomUUID } from 'node:crypto';
import { DuetError } from '../../src/core/errors.ts';
import { timeOfJobId } from './job-id.ts';
import { LateRecords } from './late-records.ts';
import { type S3Bucket, s3Bucket } from './s3-bucket.ts';
import { type LeaseTimes, S3Lease } from './s3-lease.ts';
import type { S3Location } from './s3-location.ts';
import type { JobRecord, JobStore } from './store.ts';
import { dayOf, isFileName, isJobFile, parseRecord, recordFile } from './stored-names.ts';

const standardTimes: LeaseTimes = { renewMs: 10_000, staleMs: 30_000 };
/** Requests at once where many objects are read or removed. */
const together = 16;
const types: Readonly<Record<string, string>> = { json: 'application/json', png: 'image/png' };

/**
 * Opens a prefix for this server alone. `warn` is called with records that cannot be read, which are not removed, and
 * with errors of the store.
 * @throws DuetError 'invalid-config' if the bucket cannot be used or another server uses the prefix
 */
export async function openS3Store(
  place: S3Location,
  warn: (message: string) => void,
  times: LeaseTimes = standardTimes,
): Promise<JobStore> {
  const bucket = s3Bucket(place);
  const root = keyOf(place, 'jobs');
  await checkWritableBucket(place);
  const late = new LateRecords(record => writeRecord(bucket, root, record));
  const onRenewed = () => late.write();
  const lease = await S3Lease.take(bucket, keyOf(place, 'server.lock'), {
    ...times,
    place: place.url,
    warn,
    onRenewed,
  });
  const changing = <T>(work: () => Promise<T>) => orOverloaded(() => lease.hold().then(work), warn);
  return {
    load: () => loadAll(bucket, root, warn),
    save: record => late.save(record, () => changing(() => writeRecord(bucket, root, record))),
    async writeFile(id, name, bytes) {
      if (!isFileName(name)) throw new DuetError('invalid-argument', `${name} is no name for a file`);
      await changing(() => bucket.put(`${folderOf(root, id)}/${name}`, bytes, typeOf(name)));
    },
    async readFile(id, name) {
      if (!isJobFile(id, name)) return undefined;
      return (await orOverloaded(() => bucket.get(`${folderOf(root, id)}/${name}`), warn))?.bytes;
    },
    async removeFiles(id, names) {
      await changing(() => allOf(names, name => bucket.delete(`${folderOf(root, id)}/${name}`)));
    },
    async remove(id) {
      await late.forget(id);
      await changing(() => removeJob(bucket, folderOf(root, id)));
    },
    async probe(bytes) {
      const key = keyOf(place, `probe-${randomUUID()}`);
      await changing(() => bucket.put(key, new Uint8Array(bytes), 'application/octet-stream'));
      await changing(() => bucket.delete(key));
      await changing(onRenewed);
    },
    async close() {
      const warned = (error: unknown) => warn(messageOf(error));
      await lease.hold().then(onRenewed).catch(warned);
      await lease.release().catch(warned); // it ends by itself
    },
  };
}

/** @throws DuetError 'invalid-config' if nothing can be listed, written or removed at `place` */
export async function checkWritableBucket(place: S3Location): Promise<void> {
  const bucket = s3Bucket(place);
  const probe = keyOf(place, `probe-${randomUUID()}`);
  await bucket.put(probe, 'duet', 'text/plain');
  const found = await bucket.list(probe);
  await bucket.delete(probe);
  if (found.includes(probe)) return;
  throw new DuetError(
    'invalid-config',
    `The S3 store ${place.endpoint} does not list what was written to ${place.url}`,
  );
}

async function loadAll(bucket: S3Bucket, root: string, warn: (message: string) => void): Promise<JobRecord[]> {
  const jobs = new Map<string, string[]>();
  for (const key of await bucket.list(`${root}/`)) {
    const [day, id = '', name, ...deeper] = key.slice(root.length + 1).split('/');
    const isJobs = timeOfJobId(id) !== undefined && day === dayOf(id) && name !== undefined && deeper.length === 0;
    if (isJobs) jobs.set(id, [...(jobs.get(id) ?? []), key]); // anything else is not ours
  }
  const records: JobRecord[] = [];
  await allOf([...jobs], async ([id, keys]) => {
    const key = `${folderOf(root, id)}/${recordFile}`;
    const found = await bucket.get(key); // read even where it is not listed, so that an incomplete list loses no job
    if (!found) return allOf(keys, each => bucket.delete(each)); // never admitted, or half removed
    const record = parseRecord(Buffer.from(found.bytes).toString(), id);
    if (record) records.push(record);
    else warn(`${key} is not a job's record; it is left as it is`);
  });
  return records.sort((a, b) => (a.id < b.id ? -1 : 1));
}

async function removeJob(bucket: S3Bucket, folder: string): Promise<void> {
  await bucket.delete(`${folder}/${recordFile}`); // files without a record are removed at the next start
  await allOf(await bucket.list(`${folder}/`), key => bucket.delete(key));
}

function writeRecord(bucket: S3Bucket, root: string, record: JobRecord): Promise<void> {
  return bucket.put(`${folderOf(root, record.id)}/${recordFile}`, `${JSON.stringify(record)}\n`, typeOf(recordFile));
}

/**
 * `warn` gets the details, which are for the operator; clients are informed only that the store is full, or that they may
 * try again.
 */
async function orOverloaded<T>(work: () => Promise<T>, warn: (message: string) => void): Promise<T> {
  try {
    return await work();
  } catch (error) {
    warn(messageOf(error));
    if (DuetError.isInstance(error) && error.code === 'storage-full') throw error;
    const message = 'The store of results cannot be used at the moment; try again later';
    throw new DuetError('overloaded', message, { cause: error });
  }
}

/** `work` on all items, a few at a time. */
async function allOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  const worker = async () => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(together, items.length) }, worker));
}

function keyOf({ prefix }: S3Location, name: string): string {
  return prefix === '' ? name : `${prefix}/${name}`;
}

function folderOf(root: string, id: string): string {
  if (timeOfJobId(id) === undefined) throw new DuetError('invalid-argument', `${id} is no job's id`);
  return `${root}/${dayOf(id)}/${id}`;
}

function typeOf(name: string): string {
  return types[name.split('.')[1] ?? ''] ?? 'application/octet-stream';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
