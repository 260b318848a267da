/**
 * Which captions belong to which pictures of a folder: those of a table, those in a file beside the picture or, in kohya's
 * layout, the name of the picture's folder. Files that belong to nothing are reported.
 */
import { join } from 'node:path';
import { DuetError } from '../../core/errors.ts';
import { loadSharp, rasterFormats } from '../../image/codec.ts';
import { readCaptionFile, readCaptionTable } from './caption-files.ts';
import { extensionOf, type Listing, listFolder, stemOf } from './listing.ts';

export interface Pair {
  /** Path of the picture below the folder, with `/` between names. */
  readonly path: string;
  /** At least one. */
  readonly captions: readonly string[];
  /** How often the picture counts beside the others. */
  readonly repeats: number;
}

export interface Pairs {
  readonly pairs: readonly Pair[];
  /** What was found but not used, a sentence for each kind. */
  readonly warnings: readonly string[];
}

/** Types of caption files; of several beside a picture the first in this order is read. */
const captionExtensions = ['txt', 'caption', 'json', 'jsonl'];

/**
 * The captioned pictures of `folder`; pictures are not decoded yet.
 * @throws DuetError 'invalid-argument' naming the files if there are no pictures, if some have no caption, or if a file of
 * captions cannot be read
 */
export async function findPairs(folder: string): Promise<Pairs> {
  const listing = await readableByContent(folder, await listFolder(folder));
  const { pictures, captionFiles } = listing;
  if (pictures.length === 0) throw withoutPictures(folder, listing);
  const beside = captionsBeside(pictures, captionFiles);
  const tables = await readTables(folder, pictures, captionFiles, new Set(beside.values()));
  const used = new Set(tables.used);
  const [bare, named]: [string[], string[]] = [[], []];
  const pairs: Pair[] = [];
  for (const path of pictures) {
    const file = beside.get(path);
    const own = kohyaFolder(path);
    let captions = tables.captions.get(path) ?? [];
    if (captions.length === 0 && file !== undefined) {
      captions = await readCaptionFile(folder, file);
      used.add(file);
    } else if (captions.length === 0 && own) {
      captions = [own.caption];
      named.push(path);
    }
    if (captions.length === 0) bare.push(path);
    else pairs.push({ path, captions, repeats: own?.repeats ?? 1 });
  }
  if (bare.length > 0) throw withoutCaption(folder, bare, pictures.length);
  const unused = captionFiles.filter(file => !used.has(file));
  return {
    pairs: reduced(pairs),
    warnings: [
      ...warningsOf(listing),
      warningAbout('Captions not read, since they belong to no picture or to one that has others', unused),
      warningAbout('Pictures that a table names but that are not there or cannot be read', tables.missing),
      warningAbout('Pictures of the same name with one caption file, used for each of them', sharing(beside)),
      warningAbout('Pictures without a caption of their own, for which the name of the folder is taken', named),
    ].filter(sentence => sentence !== undefined),
  };
}

/** The file beside each picture: of its name without extension, or of its whole name with another one. */
function captionsBeside(pictures: readonly string[], captionFiles: readonly string[]): Map<string, string> {
  const exact = new Map<string, string>();
  const folded = new Map<string, string>();
  for (const extension of captionExtensions) {
    for (const file of captionFiles.filter(name => extensionOf(name) === extension)) {
      const stem = stemOf(file);
      if (!exact.has(stem)) exact.set(stem, file);
      if (!folded.has(fold(stem))) folded.set(fold(stem), file);
    }
  }
  const find = (stem: string) => exact.get(stem) ?? folded.get(fold(stem));
  const found = pictures.map(path => [path, find(stemOf(path)) ?? find(path)] as const);
  return new Map(found.flatMap(([path, file]) => (file === undefined ? [] : [[path, file] as const])));
}

/** File systems differ in whether case and the composition of accents distinguish names. */
function fold(name: string): string {
  return name.normalize('NFC').toLowerCase();
}

interface Tables {
  readonly captions: ReadonlyMap<string, readonly string[]>;
  readonly used: readonly string[];
  /** Pictures that a table names but that do not exist. */
  readonly missing: readonly string[];
}

/** The captions in files that lie beside no picture of their name. Paths in them begin at the table's own folder. */
async function readTables(
  folder: string,
  pictures: readonly string[],
  captionFiles: readonly string[],
  beside: ReadonlySet<string>,
): Promise<Tables> {
  const captions = new Map<string, string[]>();
  const [used, missing]: [string[], string[]] = [[], []];
  const byName = new Map(pictures.flatMap(path => [[fold(stemOf(path)), path] as const, [fold(path), path] as const]));
  for (const path of captionFiles) {
    if (beside.has(path) || ['txt', 'caption'].includes(extensionOf(path))) continue;
    const isNamedSo = /(^|\/)metadata\.[a-z]+$/i.test(path);
    const rows = await readCaptionTable(folder, path).catch((error: unknown) => {
      if (isNamedSo || !DuetError.isInstance(error)) throw error;
      return undefined;
    });
    const root = path.slice(0, path.lastIndexOf('/') + 1);
    const found = (rows ?? []).map(row => ({
      ...row,
      picture: byName.get(fold(join(root, row.file.replaceAll('\\', '/')))),
    }));
    if (isNamedSo && !rows) throw notATable(folder, path);
    // A file of another name may be anything: it is a table if it names a picture that exists.
    if (!isNamedSo && !found.some(({ picture }) => picture !== undefined)) continue;
    used.push(path);
    for (const row of found) {
      if (row.picture === undefined) missing.push(`${root}${row.file}`);
      else captions.set(row.picture, [...(captions.get(row.picture) ?? []), ...row.captions]);
    }
  }
  return { captions, used, missing };
}

/** `10_a cat/` in kohya's layout: pictures that count ten times and, without captions of their own, are of "a cat". */
function kohyaFolder(path: string): { repeats: number; caption: string } | undefined {
  const parent = path.split('/').at(-2) ?? '';
  const [, repeats, caption] = /^([1-9]\d{0,2})_(.*\S.*)$/.exec(parent) ?? [];
  return repeats === undefined || caption === undefined
    ? undefined
    : { repeats: Number(repeats), caption: caption.trim() };
}

/** Only the relation of repeats matters: the number of steps determines how long training takes. */
function reduced(pairs: readonly Pair[]): Pair[] {
  const divisor = pairs.reduce((common, { repeats }) => greatestCommonDivisor(common, repeats), 0);
  return pairs.map(pair => ({ ...pair, repeats: pair.repeats / divisor }));
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/** Names are not all: what is called .heic or .bmp may be of a type that the codec reads. */
async function readableByContent(folder: string, listing: Listing): Promise<Listing> {
  const readable: string[] = [];
  for (const path of listing.foreignPictures) if (await isReadable(join(folder, path))) readable.push(path);
  if (readable.length === 0) return listing;
  return {
    ...listing,
    pictures: [...listing.pictures, ...readable].sort(),
    foreignPictures: listing.foreignPictures.filter(path => !readable.includes(path)),
  };
}

async function isReadable(file: string): Promise<boolean> {
  const sharp = await loadSharp();
  const { format } = await sharp(file)
    .metadata()
    .catch(() => ({ format: undefined }));
  return rasterFormats.some(name => name === format);
}

function sharing(beside: ReadonlyMap<string, string>): string[] {
  const files = [...beside.values()].sort();
  const shared = new Set(files.filter((file, index) => file === files[index - 1]));
  return [...beside].flatMap(([path, file]) => (shared.has(file) ? [path] : []));
}

function warningsOf({ foreignPictures, others, unreachable, runs }: Listing): (string | undefined)[] {
  return [
    warningAbout('Pictures of types that cannot be read (convert them to PNG or JPEG)', foreignPictures),
    warningAbout('Files not read, which are neither pictures nor captions', others),
    warningAbout('Names that lead nowhere (links to nothing or in a circle, or names that are not UTF-8)', unreachable),
    warningAbout('Folders not read, which training runs have written', runs),
  ];
}

/** A sentence with their number and the names of the first few; undefined if there are none. */
function warningAbout(what: string, paths: readonly string[]): string | undefined {
  return paths.length === 0 ? undefined : `${what}: ${paths.length} (${few(paths)})`;
}

function few(paths: readonly string[]): string {
  const rest = paths.length > 5 ? ` and ${paths.length - 5} more` : '';
  return `${paths.slice(0, 5).join(', ')}${rest}`;
}

function withoutPictures(folder: string, listing: Listing): DuetError {
  const found = warningsOf(listing).filter(sentence => sentence !== undefined);
  return new DuetError(
    'invalid-argument',
    `${folder} holds no pictures that can be read (PNG, JPEG, WebP, GIF, AVIF, TIFF), nor do the folders in it: put some ` +
      `there, each with a .txt or .json caption beside it${found.map(sentence => `. ${sentence}`).join('')}`,
  );
}

function withoutCaption(folder: string, paths: readonly string[], total: number): DuetError {
  return new DuetError(
    'invalid-argument',
    `${paths.length} of ${total} pictures in ${folder} have no caption: ${few(paths)}. Write one beside each ` +
      `(${stemOf(paths[0]!)}.txt with a caption a line, or .json; an empty file is none), or move them elsewhere`,
  );
}

function notATable(folder: string, path: string): DuetError {
  return new DuetError(
    'invalid-argument',
    `${join(folder, path)} has no captions: each line needs file_name, a picture's path from its folder, and text`,
  );
}
