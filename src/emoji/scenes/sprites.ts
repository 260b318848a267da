/**
 * The pictures of the concepts as small RGBA bitmaps: each icon is drawn large by sharp, cropped to what is visible and
 * scaled once to every box size that layouts use. Rendering is then plain compositing.
 */

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import sharp from 'sharp';
import { DuetError } from '../../core/errors.ts';
import { type Concept, concepts } from './concepts.ts';
import { type BoxSize, boxSizes } from './layout.ts';

/** A bitmap with straight (not premultiplied) alpha, 4 bytes a pixel. */
export interface Sprite {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** All sprites for one canvas size. */
export interface SpriteSheet {
  readonly canvas: number;
  /** Throws a RangeError when the concept is unknown. */
  sprite(concept: string, box: BoxSize): Sprite;
}

interface IconSet {
  readonly width?: number;
  readonly height?: number;
  readonly icons: Readonly<Record<string, { body: string; width?: number; height?: number }>>;
}

const drawnSize = 256;

async function readIcons(): Promise<IconSet> {
  try {
    const path = createRequire(import.meta.url).resolve('@iconify-json/fluent-emoji-flat/icons.json');
    return JSON.parse(await readFile(path, 'utf8')) as IconSet;
  } catch (cause) {
    const install = 'npm install --save-dev @iconify-json/fluent-emoji-flat';
    throw new DuetError('missing-dependency', `Scenes are drawn from @iconify-json/fluent-emoji-flat: ${install}`, {
      cause,
    });
  }
}

function svgOf(icons: IconSet, concept: Concept): Buffer {
  const icon = icons.icons[concept.icon];
  if (icon === undefined) {
    throw new DuetError('missing-dependency', `The icon set has no "${concept.icon}" for "${concept.name}"; update it`);
  }
  const width = icon.width ?? icons.width ?? 32;
  const height = icon.height ?? icons.height ?? 32;
  const size = `viewBox="0 0 ${width} ${height}" width="${drawnSize}" height="${drawnSize}"`;
  return Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" ${size}>${icon.body}</svg>`);
}

/** The rectangle of pixels with an alpha of at least 16. */
function visibleArea(data: Uint8Array, side: number): { left: number; top: number; width: number; height: number } {
  let [left, top, right, bottom] = [side, side, -1, -1];
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      if ((data[(y * side + x) * 4 + 3] ?? 0) < 16) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
    }
  }
  return { left, top, width: right - left + 1, height: bottom - top + 1 };
}

async function drawConcept(icons: IconSet, concept: Concept, pixelSizes: readonly number[]): Promise<Sprite[]> {
  const drawn = await sharp(svgOf(icons, concept)).ensureAlpha().raw().toBuffer();
  const cropped = await sharp(drawn, { raw: { width: drawnSize, height: drawnSize, channels: 4 } })
    .extract(visibleArea(drawn, drawnSize))
    .png({ compressionLevel: 0 })
    .toBuffer();
  return Promise.all(
    pixelSizes.map(async size => {
      const scaled = sharp(cropped).resize(size, size, { fit: 'inside' }).ensureAlpha().raw();
      const { data, info } = await scaled.toBuffer({ resolveWithObject: true });
      return { width: info.width, height: info.height, data: new Uint8Array(data) };
    }),
  );
}

/** Draws every concept at every box size for a canvas of `canvas` x `canvas` pixels. */
export async function loadSprites(canvas = 64): Promise<SpriteSheet> {
  const icons = await readIcons();
  const boxes = Object.keys(boxSizes) as BoxSize[];
  const pixelSizes = boxes.map(box => Math.round((boxSizes[box] * canvas) / 64));
  const sheet = new Map<string, Sprite>();
  await Promise.all(
    concepts.map(async concept => {
      const sprites = await drawConcept(icons, concept, pixelSizes);
      boxes.forEach((box, index) => {
        sheet.set(`${concept.name}|${box}`, sprites[index] as Sprite);
      });
    }),
  );
  return {
    canvas,
    sprite(concept, box) {
      const sprite = sheet.get(`${concept}|${box}`);
      if (sprite === undefined) throw new RangeError(`There is no sprite of "${concept}"`);
      return sprite;
    },
  };
}
