/** Recorded graphs on disk, by the hash of their content. `DUET_CACHE` names the folder. */
import { createHash } from 'node:crypto';
import { access, mkdir, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { encodeModel, type OnnxModel } from './onnx/model.ts';

/** The folder of cached graphs. @default ~/.cache/duet/graphs */
export function graphCacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const root = environment['DUET_CACHE'] ?? join(environment['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'duet');
  return join(root, 'graphs');
}

/** Writes `model` unless a graph of the same content is there; returns its path. The write is atomic. */
export async function cacheGraph(model: OnnxModel, folder = graphCacheFolder()): Promise<string> {
  const bytes = encodeModel(model);
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 32);
  const file = join(folder, `${model.name.replaceAll(/[^\w-]/g, '_')}-${hash}.onnx`);
  if (
    await access(file).then(
      () => true,
      () => false,
    )
  )
    return file;
  await mkdir(folder, { recursive: true });
  const temporary = `${file}.${process.pid}-${Date.now()}`;
  await writeFile(temporary, bytes);
  await rename(temporary, file);
  return file;
}
