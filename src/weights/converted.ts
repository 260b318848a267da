/**
 * Another library's checkpoint as a file of ours in the cache, made at its first use and mapped from then on. The file's
 * name is a hash of what it is made of (files with their sizes and times, names, shapes), so a changed checkpoint is
 * converted anew.
 */
import { createHash, randomUUID } from 'node:crypto';
import { rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { cacheFolder } from '../core/cache-folder.ts';
import { DuetError } from '../core/errors.ts';
import { makeFolder } from '../core/folders.ts';
import type { TensorSource } from '../core/host-tensor.ts';
import type { Tree } from '../core/tree.ts';
import { type Filled, fillParams, type ParamSpec } from '../nn/params.ts';
import { openCheckpoint, type StoredCheckpoint } from './checkpoint.ts';
import { type ConversionOptions, convertCheckpoint, planConversion } from './convert.ts';
import type { NameRule } from './names/name-map.ts';
import { openSafetensors } from './safetensors.ts';
import type { WriteOptions } from './write-safetensors.ts';

/** Changed when transforms change what they make. */
const VERSION = 1;

export interface ConvertedOptions extends ConversionOptions, Pick<WriteOptions, 'signal' | 'onProgress'> {
  /** First part of the name in the cache, such as the network's. */
  readonly name: string;
  /** @default that of `DUET_CACHE` */
  readonly folder?: string;
}

/**
 * The parameters of `spec` from another library's .safetensors file, or from its checkpoint of several, in a file of ours.
 * @param rulesOf the rules for a checkpoint with these tensor names
 * @throws DuetError `invalid-weights` as `planConversion` does; `invalid-config` if the cache cannot be written; the
 *   signal's reason if it aborts
 */
export async function openConverted<S extends Tree<ParamSpec>>(
  spec: S,
  rulesOf: (names: readonly string[]) => readonly NameRule[],
  source: string | StoredCheckpoint,
  { name, folder = cacheFolder('weights'), signal, onProgress, ...options }: ConvertedOptions,
): Promise<Filled<S, TensorSource>> {
  const checkpoint = typeof source === 'string' ? await openCheckpoint(source) : source;
  const rules = rulesOf([...checkpoint.shapes.keys()]);
  const { header } = planConversion(spec, rules, checkpoint, options);
  const versions = await Promise.all(checkpoint.files.map(versionOf));
  const origins = rules.filter(({ ours }) => Object.hasOwn(header, ours)).map(({ ours, theirs }) => [ours, theirs]);
  const identity = JSON.stringify([VERSION, versions, header, origins]);
  const hash = createHash('sha256').update(identity).digest('hex').slice(0, 32);
  const file = join(folder, `${name}-${hash}.safetensors`);
  if (!(await isThere(file))) {
    const { floats = 'F32' } = checkpoint;
    const metadata = { format: 'duet', part: name };
    await inCache(folder, file, own =>
      convertCheckpoint(spec, rules, checkpoint, own, { ...options, floats, metadata, signal, onProgress }),
    );
  }
  return fillParams(spec, (await openSafetensors(file)).tensors, file);
}

async function versionOf(file: string): Promise<readonly [string, number, number]> {
  const { size, mtimeMs } = await stat(file);
  return [resolve(file), size, mtimeMs];
}

/** Lets `write` make a file of a name of its own and gives it its final one: two conversions at once do no harm. */
async function inCache(folder: string, file: string, write: (own: string) => Promise<void>): Promise<void> {
  const own = `${file}.${randomUUID()}`;
  try {
    await makeFolder(folder);
    await write(own);
    await rename(own, file);
  } catch (error) {
    await rm(own, { force: true });
    if (DuetError.isInstance(error) || !isSystemError(error)) throw error;
    throw new DuetError(
      'invalid-config',
      `Cannot write converted weights to ${folder}: ${error.message}. Set DUET_CACHE to a folder with room.`,
      { cause: error },
    );
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).code === 'string' && 'syscall' in error;
}

async function isThere(file: string): Promise<boolean> {
  return stat(file).then(
    stats => stats.isFile(),
    () => false,
  );
}
