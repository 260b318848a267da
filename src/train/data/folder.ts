/**
 * A folder of pictures with captions as training data: beside `cat.png` lies `cat.txt` (one caption a line) or
 * `cat.json` (a string, a list of strings, or an object with `caption` or `captions`).
 */

import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { DuetError } from '../../core/errors.ts';
import { decodeImage, squareImage } from '../../image/index.ts';
import type { PairSource } from './source.ts';

const imageExtensions = ['.png', '.jpg', '.jpeg', '.webp', '.gif', '.avif', '.tif', '.tiff'];

/**
 * The captioned pictures of `folder`, cropped to squares of `side` pixels. All are decoded at once: a folder of one's
 * own pictures at the model's size fits in memory (12 KB a picture at 64 pixels).
 * @throws DuetError `invalid-argument` if there are no pictures or some have no caption, `invalid-image`; naming the files
 */
export async function folderSource(folder: string, side: number): Promise<PairSource> {
  const { images, names } = await listFolder(folder);
  const items: { picture: Uint8Array; captions: readonly string[] }[] = [];
  const bare: string[] = [];
  const hash = createHash('sha256');
  for (const name of images) {
    const captions = await captionsOf(folder, name, names);
    if (captions.length === 0) {
      bare.push(name);
      continue;
    }
    const { data } = await squareImage(await decodeImage(join(folder, name)), side);
    hash.update(data).update(JSON.stringify(captions));
    items.push({ picture: data, captions });
  }
  if (bare.length > 0) throw withoutCaption(folder, bare, images.length);
  return {
    side,
    size: items.length,
    captions: items.flatMap(({ captions }) => captions),
    key: `folder ${hash.digest('hex')} at ${side}`,
    picture: index => items[index]!.picture,
    caption: (index, random) => {
      const { captions } = items[index]!;
      return captions[Math.floor(random() * captions.length)]!;
    },
  };
}

/** How many pictures `folder` holds. Throws DuetError `invalid-argument` if there are none. */
export async function countPictures(folder: string): Promise<number> {
  return (await listFolder(folder)).images.length;
}

async function listFolder(folder: string): Promise<{ images: string[]; names: ReadonlySet<string> }> {
  const names = await readdir(folder).catch((error: Error) => {
    throw new DuetError('invalid-argument', `Cannot read the folder ${folder}: ${error.message}`, { cause: error });
  });
  const images = names.filter(name => imageExtensions.includes(extname(name).toLowerCase())).sort();
  if (images.length > 0) return { images, names: new Set(names) };
  throw new DuetError(
    'invalid-argument',
    `${folder} holds no pictures (${imageExtensions.join(', ')}): put some there, each with a .txt or .json caption beside it`,
  );
}

function withoutCaption(folder: string, names: readonly string[], total: number): DuetError {
  const some = names.slice(0, 5).join(', ');
  const rest = names.length > 5 ? ` and ${names.length - 5} more` : '';
  const example = names[0]!.replace(/\.[^.]*$/, '.txt');
  return new DuetError(
    'invalid-argument',
    `${names.length} of ${total} pictures in ${folder} have no caption: ${some}${rest}. ` +
      `Write one beside each (${example} with a caption a line, or .json), or move them elsewhere`,
  );
}

async function captionsOf(folder: string, image: string, names: ReadonlySet<string>): Promise<string[]> {
  const stem = basename(image, extname(image));
  if (names.has(`${stem}.txt`)) return clean((await readFile(join(folder, `${stem}.txt`), 'utf8')).split('\n'));
  if (!names.has(`${stem}.json`)) return [];
  const file = join(folder, `${stem}.json`);
  try {
    return clean(captionsIn(JSON.parse(await readFile(file, 'utf8'))));
  } catch (error) {
    throw new DuetError('invalid-argument', `${file} is not a caption file: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function captionsIn(json: unknown): unknown[] {
  if (typeof json === 'string') return [json];
  if (Array.isArray(json)) return json;
  const { caption, captions } = (json ?? {}) as { caption?: unknown; captions?: unknown };
  return [...(caption === undefined ? [] : [caption]), ...(Array.isArray(captions) ? captions : [])];
}

function clean(captions: readonly unknown[]): string[] {
  return captions
    .filter(caption => typeof caption === 'string')
    .map(caption => caption.trim())
    .filter(Boolean);
}
