/** Recorded graphs on disk, by the hash of their content. `DUET_CACHE` names the folder. */
import { createHash, randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../core/cache-folder.ts';
import { DuetError } from '../core/errors.ts';
import { makeFolder } from '../core/folders.ts';
import { encodeModel, type OnnxModel } from './onnx/model.ts';

/**
 * Writes `model` unless a graph of the same content is there; returns its path. The write is atomic; a damaged file of
 * that name is replaced.
 * @throws DuetError `invalid-config` if the folder cannot be written
 */
export async function cacheGraph(model: OnnxModel, folder = cacheFolder('graphs')): Promise<string> {
  const bytes = encodeModel(model);
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 32);
  const file = join(folder, `${fileName(model.name)}-${hash}.onnx`);
  const cached = await readFile(file).catch(() => undefined);
  if (cached && Buffer.compare(cached, bytes) === 0) return file;
  const temporary = `${file}.${randomUUID()}`;
  try {
    await makeFolder(folder);
    await writeFile(temporary, bytes);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw new DuetError(
      'invalid-config',
      `Cannot write recorded graphs to ${folder}: ${(error as Error).message}. Set DUET_CACHE to a folder that can be written.`,
      { cause: error },
    );
  }
  return file;
}

/** The name of a program as the beginning of a file's name. */
export function fileName(program: string): string {
  return program.replaceAll(/[^\w-]/g, '_');
}
