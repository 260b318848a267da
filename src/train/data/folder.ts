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
 * @throws DuetError `invalid-argument` if no picture has a caption, or naming the file that cannot be read
 */
export async function folderSource(folder: string, side: number): Promise<PairSource> {
  const names = (await readdir(folder).catch(() => [])).sort();
  const images = names.filter(name => imageExtensions.includes(extname(name).toLowerCase()));
  const known = new Set(names);
  const items: { picture: Uint8Array; captions: readonly string[] }[] = [];
  const hash = createHash('sha256');
  for (const name of images) {
    const captions = await captionsOf(folder, name, known);
    if (captions.length === 0) continue;
    const bytes = await readFile(join(folder, name));
    const { data } = await squareImage(await decodeImage(bytes), side);
    hash.update(data).update(JSON.stringify(captions));
    items.push({ picture: data, captions });
  }
  if (items.length === 0) {
    throw new DuetError(
      'invalid-argument',
      `${folder} holds no captioned pictures: put a .txt or .json with the caption beside each of ${imageExtensions.join(', ')}`,
    );
  }
  return {
    side,
    size: items.length,
    key: `folder ${hash.digest('hex')} at ${side}`,
    picture: index => items[index]!.picture,
    caption: (index, random) => {
      const { captions } = items[index]!;
      return captions[Math.floor(random() * captions.length)]!;
    },
  };
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
