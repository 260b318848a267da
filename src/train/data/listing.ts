/**
 * The files in a folder of training data and the folders below it, by kind. Every file is in one of the lists, except for
 * those that operating systems create by themselves.
 */
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DuetError } from '../../core/errors.ts';

export interface Listing {
  /** By name; the codec reads these types. */
  readonly pictures: readonly string[];
  /** Pictures of other types, judged by their names. */
  readonly foreignPictures: readonly string[];
  /** Texts and tables. */
  readonly captionFiles: readonly string[];
  readonly others: readonly string[];
  /** Broken links, and names that are not UTF-8. */
  readonly unreachable: readonly string[];
  /** Folders that training runs wrote: their samples are no data. */
  readonly runs: readonly string[];
}

type Kind = keyof Listing;

const extensions: Readonly<Record<string, Kind>> = Object.fromEntries([
  ...['png', 'apng', 'jpg', 'jpeg', 'jpe', 'jfif', 'jif', 'webp', 'gif', 'avif', 'tif', 'tiff'].map(
    name => [name, 'pictures'] as const,
  ),
  ...['bmp', 'dib', 'heic', 'heif', 'hif', 'svg', 'svgz', 'ico', 'psd', 'tga', 'jxl', 'jp2', 'j2k', 'ppm', 'pgm', 'pbm']
    .concat(['pnm', 'exr', 'hdr', 'dds', 'eps', 'pdf', 'xcf', 'pcx', 'dng', 'cr2', 'cr3', 'nef', 'arw', 'orf', 'raf'])
    .map(name => [name, 'foreignPictures'] as const),
  ...['txt', 'caption', 'json', 'jsonl', 'csv', 'tsv'].map(name => [name, 'captionFiles'] as const),
]);

/** What Windows, macOS and storage devices leave in folders. Names that begin with a dot are left out as well. */
const clutter: ReadonlySet<string> = new Set([
  'thumbs.db',
  'ehthumbs.db',
  'desktop.ini',
  '__macosx',
  '$recycle.bin',
  'system volume information',
  '@eadir',
  'icon\r',
]);

/** Paths below `folder`, with `/` between names, in the order of their names. @throws DuetError 'invalid-argument' */
export async function listFolder(folder: string): Promise<Listing> {
  const listing: Record<Kind, string[]> = {
    pictures: [],
    foreignPictures: [],
    captionFiles: [],
    others: [],
    unreachable: [],
    runs: [],
  };
  const visit = async (below: string, above: readonly string[]): Promise<void> => {
    const names = await namesIn(join(folder, below));
    if (below !== '' && isRun(names)) {
      listing.runs.push(below);
      return;
    }
    for (const name of names) {
      if (name.startsWith('.') || clutter.has(name.toLowerCase())) continue;
      const path = below === '' ? name : `${below}/${name}`;
      const stats = await stat(join(folder, path)).catch(() => undefined);
      if (stats?.isDirectory()) {
        const real = await realpath(join(folder, path));
        if (above.includes(real))
          listing.unreachable.push(path); // a link that leads back
        else await visit(path, [...above, real]);
      } else if (stats?.isFile()) listing[kindOf(name)].push(path);
      else listing[stats ? 'others' : 'unreachable'].push(path);
    }
  };
  await visit('', [await realpath(folder).catch(() => folder)]);
  return listing;
}

/** The extension of a path in lower case, without its dot; empty if there is none. */
export function extensionOf(path: string): string {
  return /[^/]\.([^./]+)$/.exec(path)?.[1]?.toLowerCase() ?? '';
}

/** A path without its extension. */
export function stemOf(path: string): string {
  const extension = extensionOf(path);
  return extension === '' ? path : path.slice(0, -extension.length - 1);
}

function kindOf(name: string): Kind {
  const extension = extensionOf(name);
  return (Object.hasOwn(extensions, extension) ? extensions[extension] : undefined) ?? 'others';
}

function isRun(names: readonly string[]): boolean {
  return names.includes('config.json') && ['checkpoints', 'metrics.jsonl'].some(name => names.includes(name));
}

async function namesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    const reason = error.code === 'ENOTDIR' ? 'it is a file' : error.message;
    throw new DuetError('invalid-argument', `Cannot read the folder ${folder}: ${reason}`, { cause: error });
  });
  return names.sort();
}
