/**
 * Captions as people keep them: beside a picture (a text, JSON or JSON Lines), or in a table for many pictures (JSON Lines,
 * CSV or JSON, as Hugging Face's image folders and kohya's scripts have them).
 */
import { join } from 'node:path';
import { DuetError } from '../../core/errors.ts';
import { readTextFile } from '../../core/text.ts';
import { parseCsv } from './csv.ts';
import { extensionOf } from './listing.ts';

/** A line of a table: the picture's path as it stands there, and its captions. */
export interface TableRow {
  readonly file: string;
  readonly captions: readonly string[];
}

const fileKeys = ['file_name', 'filename', 'file', 'image', 'image_path', 'path'];
const captionKeys = ['text', 'caption', 'captions', 'prompt', 'tags'];

/** The captions in a file that belongs to one picture; none if it is empty. @throws DuetError 'invalid-argument' naming it */
export async function readCaptionFile(folder: string, path: string): Promise<string[]> {
  const file = join(folder, path);
  const text = await readTextFile(file);
  switch (extensionOf(path)) {
    case 'json':
      return captionsIn(parseJson(text, file));
    case 'jsonl':
      return linesOf(text).flatMap(({ line, number }) => captionsIn(parseJson(line, `${file}, line ${number},`)));
    default:
      return clean(text.split('\n'));
  }
}

/**
 * The rows of a table, those without a file's name left out; undefined if it has no captions for files.
 * @throws DuetError 'invalid-argument' naming the file and the line
 */
export async function readCaptionTable(folder: string, path: string): Promise<TableRow[] | undefined> {
  const file = join(folder, path);
  const text = await readTextFile(file);
  const records = recordsIn(text, file, extensionOf(path));
  const rows = records.flatMap(record => {
    const name = fieldOf(record, fileKeys);
    const given = fieldOf(record, captionKeys);
    return typeof name === 'string' && given !== undefined ? [{ file: name.trim(), captions: asList(given) }] : [];
  });
  return rows.length > 0 ? rows : undefined;
}

function recordsIn(text: string, file: string, extension: string): unknown[] {
  if (extension === 'jsonl') {
    return linesOf(text).map(({ line, number }) => parseJson(line, `${file}, line ${number},`));
  }
  if (extension === 'json') return recordsOfJson(parseJson(text, file));
  const [header = ''] = text.split('\n', 1);
  const names = (delimiter: string) =>
    header.split(delimiter).map(name => name.replaceAll('"', '').trim().toLowerCase());
  const delimiter = [',', ';', '\t'].find(candidate => names(candidate).some(name => fileKeys.includes(name)));
  return delimiter === undefined ? [] : parseCsv(text, delimiter, file);
}

/** A list of records, or one object that maps files to captions or to records, as kohya's scripts write it. */
function recordsOfJson(json: unknown): unknown[] {
  if (Array.isArray(json)) return json;
  if (typeof json !== 'object' || json === null) return [];
  return Object.entries(json).map(([file, value]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? { file_name: file, ...value }
      : { file_name: file, text: value },
  );
}

function captionsIn(json: unknown): string[] {
  if (typeof json === 'string' || Array.isArray(json)) return asList(json);
  if (typeof json !== 'object' || json === null) return [];
  return captionKeys.flatMap(key => asList(fieldOf(json, [key]) ?? []));
}

/** The first of `keys` that `record` has, in any case of letters. */
function fieldOf(record: unknown, keys: readonly string[]): unknown {
  if (typeof record !== 'object' || record === null) return undefined;
  const entries = new Map(Object.entries(record).map(([key, value]) => [key.trim().toLowerCase(), value as unknown]));
  return keys.map(key => entries.get(key)).find(value => value !== undefined && value !== null);
}

function asList(value: unknown): string[] {
  return clean(Array.isArray(value) ? value : [value]);
}

function clean(captions: readonly unknown[]): string[] {
  return captions
    .filter(caption => typeof caption === 'string')
    .map(caption => caption.trim())
    .filter(Boolean);
}

function linesOf(text: string): { line: string; number: number }[] {
  const lines = text.split('\n').map((line, index) => ({ line, number: index + 1 }));
  return lines.filter(({ line }) => line.trim() !== '');
}

function parseJson(text: string, origin: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DuetError('invalid-argument', `${origin} is not a caption file: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
