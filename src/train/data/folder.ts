/** A folder of pictures with captions as training data. */

import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { decodeImage, squareImage } from '../../image/index.ts';
import { findPairs } from './pairs.ts';
import type { PairSource } from './source.ts';

/**
 * The captioned pictures of `folder` and the folders below it, cropped to squares of `side` pixels. All are decoded at
 * once: a folder of one's own pictures at the model's size fits in memory (12 KB a picture at 64 pixels).
 * @param onWarning is called with what was found but not used
 * @throws DuetError as `findPairs` does, and `invalid-image` naming a picture that is broken
 */
export async function folderSource(
  folder: string,
  side: number,
  onWarning?: (message: string) => void,
): Promise<PairSource> {
  const { pairs, warnings } = await findPairs(folder);
  for (const warning of warnings) onWarning?.(`${folder}: ${warning}`);
  const items: { picture: Uint8Array; captions: readonly string[] }[] = [];
  const hash = createHash('sha256');
  for (const { path, captions, repeats } of pairs) {
    const { data } = await squareImage(await decodeImage(resolve(folder, path)), side);
    hash.update(data).update(JSON.stringify(captions));
    if (repeats > 1) hash.update(` ${repeats} times`);
    for (let i = 0; i < repeats; i++) items.push({ picture: data, captions });
  }
  return {
    side,
    size: items.length,
    captions: pairs.flatMap(({ captions }) => captions),
    key: `folder ${hash.digest('hex')} at ${side}`,
    picture: index => items[index]!.picture,
    caption: (index, random) => {
      const { captions } = items[index]!;
      return captions[Math.floor(random() * captions.length)]!;
    },
  };
}

/** How many pairs a pass over `folder` has. @throws DuetError as `findPairs` does */
export async function countPairs(folder: string): Promise<number> {
  const { pairs } = await findPairs(folder);
  return pairs.reduce((sum, { repeats }) => sum + repeats, 0);
}
