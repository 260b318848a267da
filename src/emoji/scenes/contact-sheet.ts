/**
 * A sheet of pictures for looking at: `npx tsx src/emoji/scenes/contact-sheet.ts [docs/scenes.png]` draws every concept once
 * and a grid of random training scenes.
 */

import { writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { seededRandom } from '../../core/random.ts';
import { conceptNames } from './concepts.ts';
import { render } from './render.ts';
import { sampleScene } from './sample-scene.ts';
import { single } from './scene.ts';
import { loadSprites, type SpriteSheet } from './sprites.ts';

/** Joins square RGB pictures of side `size` into a PNG with `columns` pictures a row and a gap of 2 pixels. */
async function contactSheet(pictures: readonly Uint8Array[], size: number, columns: number): Promise<Buffer> {
  const step = size + 2;
  const rows = Math.ceil(pictures.length / columns);
  const tiles = pictures.map((picture, index) => ({
    input: Buffer.from(picture),
    raw: { width: size, height: size, channels: 3 as const },
    left: (index % columns) * step,
    top: Math.floor(index / columns) * step,
  }));
  const canvas = { width: columns * step - 2, height: rows * step - 2, channels: 3 as const, background: '#808080' };
  return sharp({ create: canvas }).composite(tiles).png({ palette: true, colours: 256, effort: 10 }).toBuffer();
}

/** Every concept once, then `extra` random scenes of the training set, drawn with these sprites. */
export function sceneSheet(sprites: SpriteSheet, extra = 112, columns = 16): Promise<Buffer> {
  const random = seededRandom(1);
  const scenes = [
    ...conceptNames.map(name => single(name)),
    ...Array.from({ length: extra }, () => sampleScene(random)),
  ];
  return contactSheet(
    scenes.map(scene => render(scene, sprites)),
    sprites.canvas,
    columns,
  );
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await writeFile(process.argv[2] ?? 'docs/scenes.png', await sceneSheet(await loadSprites(64)));
}
