/** Where samples go: picture files or grids, captions as lines, or one JSON object. */
import { access, constants, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DuetError } from '../core/errors.ts';
import { checkFolder, makeFolder } from '../core/folders.ts';
import { packageVersion } from '../core/package-root.ts';
import {
  formatOfFile,
  type ImageFormat,
  Picture,
  type PictureParameters,
  pictureGrid,
  withParameters,
} from '../image/index.ts';
import type { AnySample, CallResult, SamplingSettings } from '../pipelines/index.ts';
import { type Terminal, write } from './terminal.ts';

export interface OutputFlags {
  readonly out?: string;
  readonly json: boolean;
  readonly columns?: number;
  readonly enlarge: number;
}

/** A result together with what was asked for, which goes into the files: `prompt`, `rounds` and so on. */
export type Report = CallResult & { readonly asked?: Readonly<Record<string, unknown>> };

/** Refuses combinations, and places to write to, that cannot work before anything is computed. */
export async function checkOutput({ out, json }: OutputFlags): Promise<void> {
  if (out === '-' && json) {
    throw new DuetError('invalid-argument', '--json and --out - both want standard output; give --out a file');
  }
  if (out === undefined || out === '-') return;
  if (await isFolder(out)) return checkPlace(out, out);
  formatOfFile(out);
  await checkFile(out);
}

/** Refuses the name of a file that could not be written. @throws DuetError 'invalid-argument' or 'invalid-config' */
export async function checkFile(file: string): Promise<void> {
  if (file === '') throw new DuetError('invalid-argument', 'The name of the file to write is empty; give --out a name');
  const stats = await stat(file).catch(() => undefined);
  if (stats?.isDirectory()) {
    throw new DuetError('invalid-argument', `${file} is a folder; give --out the name of a file`);
  }
  if (!stats) return checkPlace(file, dirname(file));
  await access(file, constants.W_OK).catch((error: unknown) => {
    throw cannotWrite(file, error);
  });
}

/** Writes what `report` holds and reports it on stdout. */
export async function writeResult(terminal: Terminal, report: Report, flags: OutputFlags): Promise<void> {
  await printReport(terminal, report, await writePictures(terminal, report, flags), flags);
}

/** Tells on stdout which `files` were written and which captions were found, as lines or as JSON. */
export async function printReport(
  terminal: Terminal,
  report: Report,
  files: readonly string[],
  flags: OutputFlags,
): Promise<void> {
  if (flags.json) {
    await write(terminal.stdout, `${JSON.stringify(describe(report, files), undefined, 2)}\n`);
    return;
  }
  const captions = report.samples.flatMap(({ caption }) => (caption === undefined ? [] : [caption]));
  const toStdout = flags.out === '-' ? [] : [...files, ...captions];
  if (toStdout.length > 0) await write(terminal.stdout, toStdout.map(line => `${line}\n`).join(''));
  if (flags.out === '-' && captions.length > 0) {
    const hasPictures = report.samples.some(({ image }) => image !== undefined);
    const stream = hasPictures ? terminal.stderr : terminal.stdout;
    await write(stream, captions.map(caption => `${caption}\n`).join(''));
  }
}

/** One file per sample into a folder, otherwise a single picture or a grid. Returns the paths. */
export async function writePictures(
  terminal: Terminal,
  report: Report,
  { out, columns, enlarge }: OutputFlags,
): Promise<string[]> {
  const { mode, samples } = report;
  const images = samples.flatMap(({ image }) => (image ? [image] : []));
  if (images.length === 0) return [];
  const firstSeed = samples[0]?.seed ?? 0;
  if (out !== undefined && out !== '-' && (await isFolder(out))) {
    const files = namesOf(report).map(name => join(out, `${name}.png`));
    await Promise.all(
      files.map(async (file, index) => {
        const image = images[index]!.enlarge(enlarge);
        await save(file, await fileOf(image, 'png', parametersOf(report, image, samples[index]!)));
      }),
    );
    return files;
  }
  const [first] = images;
  const grid =
    images.length === 1 ? first! : new Picture(pictureGrid(images, columns === undefined ? {} : { columns }));
  const large = grid.enlarge(enlarge);
  const parameters = parametersOf(report, large, samples[0]!, images.length);
  if (out === '-') {
    await write(terminal.stdout, await fileOf(large, 'png', parameters));
    return [];
  }
  const file = out ?? `${mode}-${firstSeed}.png`;
  await save(file, await fileOf(large, formatOfFile(file), parameters));
  return [file];
}

/** File names without extension: mode and seed, and a number where several samples share a seed. */
function namesOf({ mode, samples }: Report): string[] {
  const perSeed = samples.filter(({ seed }) => seed === samples[0]?.seed).length;
  const digits = String(perSeed - 1).length;
  return samples.map(({ seed }, index) => {
    const number = String(index % perSeed).padStart(digits, '0');
    return perSeed > 1 ? `${mode}-${seed}-${number}` : `${mode}-${seed}`;
  });
}

async function fileOf(picture: Picture, format: ImageFormat, parameters: PictureParameters): Promise<Uint8Array> {
  return withParameters(await picture.encode(format), parameters);
}

/** What a file of `sample`, or of a grid of `pictures` that begins with it, says about itself. */
export function parametersOf(
  { mode, settings, asked }: Report,
  { width, height }: Picture,
  { seed, caption }: AnySample,
  pictures = 1,
): PictureParameters {
  return {
    mode,
    version: packageVersion(),
    ...(settings as SamplingSettings), // there is a picture, so it was sampled
    width,
    height,
    seed,
    ...asked,
    ...(caption !== undefined && { caption }),
    ...(pictures > 1 && { pictures }),
  };
}

async function checkPlace(out: string, folder: string): Promise<void> {
  await checkFolder(folder).catch((error: unknown) => {
    throw cannotWrite(out, error);
  });
}

/** Writes a file and the folders above it. */
export async function save(file: string, content: Uint8Array | string): Promise<void> {
  try {
    await makeFolder(dirname(file));
    await writeFile(file, content);
  } catch (error) {
    throw cannotWrite(file, error);
  }
}

function cannotWrite(file: string, error: unknown): DuetError {
  const reason = error instanceof Error ? error.message : String(error);
  return new DuetError('invalid-argument', `Cannot write ${file}: ${reason}; choose another --out`, { cause: error });
}

function describe(
  { mode, samples, settings, asked, timings, unknownWords, captionCut, familiarity, isFamiliar }: Report,
  files: readonly string[],
): object {
  const own = files.length === samples.length && samples.length > 0;
  return {
    mode,
    samples: samples.map(({ seed, caption }, index) => ({
      seed,
      ...(caption !== undefined && { caption }),
      ...(own && { image: files[index] }),
    })),
    files,
    ...asked,
    settings,
    timings,
    unknownWords,
    captionCut,
    ...(familiarity !== undefined && { familiarity, isFamiliar }),
  };
}

export function isFolderName(path: string): boolean {
  return path.endsWith('/') || path.endsWith('\\');
}

export async function isFolder(path: string): Promise<boolean> {
  if (isFolderName(path)) return true;
  const stats = await stat(path).catch(() => undefined);
  return stats?.isDirectory() ?? false;
}
