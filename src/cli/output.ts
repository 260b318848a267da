/** Where samples go: picture files or grids, captions as lines, or one JSON object. */
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DuetError } from '../core/errors.ts';
import { formatOfFile, Picture, pictureGrid } from '../image/index.ts';
import type { AnySample, Result } from '../pipeline/index.ts';
import { type Terminal, write } from './terminal.ts';

export interface OutputFlags {
  readonly out?: string;
  readonly json: boolean;
  readonly columns?: number;
  readonly enlarge: number;
}

/** Refuses combinations that cannot work before anything is computed. */
export function checkOutput({ out, json }: OutputFlags): void {
  if (out === '-' && json) {
    throw new DuetError('invalid-argument', '--json and --out - both want standard output; give --out a file');
  }
  if (out !== undefined && out !== '-' && !isFolderName(out)) formatOfFile(out);
}

/** Writes what `result` holds and reports it on stdout. */
export async function writeResult(terminal: Terminal, result: Result<AnySample>, flags: OutputFlags): Promise<void> {
  const images = result.samples.flatMap(sample => (sample.image ? [sample.image] : []));
  const files = images.length === 0 ? [] : await writePictures(terminal, result, images, flags);
  if (flags.json) {
    await write(terminal.stdout, `${JSON.stringify(describe(result, files), undefined, 2)}\n`);
    return;
  }
  const captions = result.samples.flatMap(({ caption }) => (caption === undefined ? [] : [caption]));
  const toStdout = flags.out === '-' ? [] : [...files, ...captions];
  if (toStdout.length > 0) await write(terminal.stdout, toStdout.map(line => `${line}\n`).join(''));
  if (flags.out === '-' && captions.length > 0) {
    const stream = images.length > 0 ? terminal.stderr : terminal.stdout;
    await write(stream, captions.map(caption => `${caption}\n`).join(''));
  }
}

/** One file per sample into a folder, otherwise a single picture or a grid. Returns the paths. */
async function writePictures(
  terminal: Terminal,
  { mode, samples }: Result<AnySample>,
  images: readonly Picture[],
  { out, columns, enlarge }: OutputFlags,
): Promise<string[]> {
  const firstSeed = samples[0]?.seed ?? 0;
  if (out !== undefined && out !== '-' && (await isFolder(out))) {
    const files = images.map((_, index) => join(out, `${mode}-${samples[index]?.seed ?? index}.png`));
    await Promise.all(files.map(async (file, index) => save(file, await images[index]!.enlarge(enlarge).toPng())));
    return files;
  }
  const [first] = images;
  const grid =
    images.length === 1 ? first! : new Picture(pictureGrid(images, columns === undefined ? {} : { columns }));
  const large = grid.enlarge(enlarge);
  if (out === '-') {
    await write(terminal.stdout, await large.toPng());
    return [];
  }
  const file = out ?? `${mode}-${firstSeed}.png`;
  await save(file, await large.encode(formatOfFile(file)));
  return [file];
}

/** Writes a file and the folders above it. */
async function save(file: string, bytes: Uint8Array): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, bytes);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DuetError('invalid-argument', `Cannot write ${file}: ${reason}; choose another --out`, { cause: error });
  }
}

function describe(
  { mode, samples, timings, unknownWords, captionCut }: Result<AnySample>,
  files: readonly string[],
): object {
  const own = files.length === samples.length;
  return {
    mode,
    samples: samples.map(({ seed, caption }, index) => ({
      seed,
      ...(caption !== undefined && { caption }),
      ...(own && { image: files[index] }),
    })),
    files,
    timings,
    unknownWords,
    captionCut,
  };
}

function isFolderName(path: string): boolean {
  return path.endsWith('/') || path.endsWith('\\');
}

async function isFolder(path: string): Promise<boolean> {
  if (isFolderName(path)) return true;
  const stats = await stat(path).catch(() => undefined);
  return stats?.isDirectory() ?? false;
}
