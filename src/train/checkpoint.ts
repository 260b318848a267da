/**
 * Checkpoints: one .safetensors file with the whole training state, its metadata saying of which configuration, seed
 * and step. Written beside its name, flushed and renamed, so a kill at any moment leaves whole files only. Random
 * numbers are functions of seed and step (random.ts): the two numbers are the random state.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DuetError } from '../core/errors.ts';
import { makeFolder } from '../core/folders.ts';
import type { HostTensor } from '../core/host-tensor.ts';
import { loadSafetensors } from '../weights/safetensors.ts';
import { saveSafetensors } from '../weights/write-safetensors.ts';
import { absolutePaths } from './absolute-paths.ts';

export interface Checkpoint {
  /** Steps done. */
  readonly step: number;
  readonly seed: number;
  /** Seconds of training behind it, of all sessions of the run. */
  readonly seconds: number;
  /** The state of the step program by dotted name. */
  readonly state: Readonly<Record<string, HostTensor>>;
}

/** Where a run keeps its checkpoints. */
export const checkpointsFolder = 'checkpoints';

const pattern = /^step-(\d{8})\.safetensors$/;

/** Writes `checkpoint` into `folder` and removes all but the `keep` newest. Returns the file. */
export async function saveCheckpoint(
  folder: string,
  checkpoint: Checkpoint,
  config: object,
  keep = 2,
): Promise<string> {
  await makeFolder(folder);
  const file = join(folder, `step-${String(checkpoint.step).padStart(8, '0')}.safetensors`);
  await saveSafetensors(file, checkpoint.state, {
    metadata: {
      format: 'duet-checkpoint-1',
      step: `${checkpoint.step}`,
      seed: `${checkpoint.seed}`,
      seconds: `${checkpoint.seconds}`,
      config: JSON.stringify(config),
    },
  });
  const files = await checkpointFiles(folder);
  for (const old of files.slice(0, Math.max(0, files.length - keep))) await rm(join(folder, old), { force: true });
  return file;
}

/**
 * The newest whole checkpoint in `folder`, or undefined if there is none: a damaged file (a full disk, a torn copy) is
 * passed over for the one before it. Removes what killed writers left behind.
 * @param config must equal the configuration that the checkpoint was made with, apart from `freeKeys`
 * @throws DuetError `checkpoint-mismatch` naming each difference, `invalid-weights` if no checkpoint can be read
 */
export async function loadCheckpoint(
  folder: string,
  config: object,
  freeKeys: readonly string[] = [],
): Promise<Checkpoint | undefined> {
  const files = (await checkpointFiles(folder)).map(name => join(folder, name)).reverse();
  let damage: unknown;
  for (const file of files) {
    try {
      return await readCheckpoint(file, config, freeKeys);
    } catch (error) {
      if (!DuetError.isInstance(error) || error.code !== 'invalid-weights') throw error;
      damage ??= error;
    }
  }
  if (damage !== undefined) throw damage;
  return undefined;
}

/** Whether `folder` holds checkpoints of a run, damaged ones included. */
export async function hasCheckpoint(folder: string): Promise<boolean> {
  return (await checkpointFiles(folder)).length > 0;
}

async function readCheckpoint(file: string, config: object, freeKeys: readonly string[]): Promise<Checkpoint> {
  const { metadata, tensors } = await loadSafetensors(file);
  const stored = await absolutePaths(JSON.parse(metadata['config'] ?? '{}') as object);
  const differences = configDifferences(stored, await absolutePaths(config), freeKeys);
  if (differences.length > 0) {
    throw new DuetError(
      'checkpoint-mismatch',
      `The checkpoint ${file} was made with another configuration: ${differences.join('; ')}. ` +
        'Restore these values, or train under another --out',
    );
  }
  const { step, seed, seconds } = metadata;
  return { step: Number(step), seed: Number(seed), seconds: Number(seconds), state: tensors };
}

/** One sentence part per leaf that differs: `optimizer.lr is 0.1 there, 0.2 here`. */
export function configDifferences(there: unknown, here: unknown, freeKeys: readonly string[] = []): string[] {
  const before = leaves(there);
  const now = leaves(here);
  const names = [...new Set([...before.keys(), ...now.keys()])].filter(name => !freeKeys.includes(name.split('.')[0]!));
  return names
    .filter(name => before.get(name) !== now.get(name))
    .map(name => `${name} is ${before.get(name) ?? 'absent'} there, ${now.get(name) ?? 'absent'} here`);
}

function leaves(tree: unknown): Map<string, string> {
  const found = new Map<string, string>();
  const visit = (node: unknown, path: string): void => {
    if (typeof node !== 'object' || node === null) found.set(path, JSON.stringify(node));
    else for (const [key, child] of Object.entries(node)) visit(child, path === '' ? key : `${path}.${key}`);
  };
  visit(tree, '');
  return found;
}

async function checkpointFiles(folder: string): Promise<string[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  for (const name of names.filter(name => name.endsWith('.tmp'))) await rm(join(folder, name), { force: true });
  return names.filter(name => pattern.test(name)).sort();
}
