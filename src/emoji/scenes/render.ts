/**
 * Scene -> picture: the background is filled and the sprites are composited over it. Pure and exact: the same scene,
 * sprites and jitter give the same bytes.
 */

import { randomInt, seededRandom } from '../../core/random.ts';
import { layout, type Placement } from './layout.ts';
import { type Background, backgrounds, type Scene } from './scene.ts';
import type { Sprite, SpriteSheet } from './sprites.ts';

export interface RenderOptions {
  /** A seed: each object is moved by -1, 0 or 1 pixel in x and y. Without it nothing moves. */
  readonly jitter?: number;
}

/** Draws `sprite` with its top left corner at (left, top); what falls outside the canvas is cut. */
function composite(pixels: Uint8Array, canvas: number, sprite: Sprite, left: number, top: number): void {
  const { width, height, data } = sprite;
  const x0 = Math.max(0, -left);
  const x1 = Math.min(width, canvas - left);
  const y1 = Math.min(height, canvas - top);
  for (let y = Math.max(0, -top); y < y1; y++) {
    let from = (y * width + x0) * 4;
    let to = ((top + y) * canvas + left + x0) * 3;
    for (let x = x0; x < x1; x++, from += 4, to += 3) {
      const alpha = data[from + 3] as number;
      if (alpha === 0) continue;
      const rest = 255 - alpha;
      for (let c = 0; c < 3; c++) {
        const mixed = (data[from + c] as number) * alpha + (pixels[to + c] as number) * rest;
        pixels[to + c] = (mixed + 127) / 255;
      }
    }
  }
}

/** Fills the canvas with the scene's background. */
function fill(pixels: Uint8Array, color: readonly number[]): void {
  pixels.set(color);
  for (let filled = 3; filled < pixels.length; filled *= 2) pixels.copyWithin(filled, 0, filled);
}

/** The picture of placed objects on a background: RGB bytes, rows first, shape [canvas, canvas, 3]. */
export function renderPlacements(
  background: Background,
  placements: readonly Placement[],
  sprites: SpriteSheet,
  options: RenderOptions = {},
): Uint8Array {
  const { canvas } = sprites;
  const pixels = new Uint8Array(canvas * canvas * 3);
  fill(pixels, backgrounds[background]);
  const random = options.jitter === undefined ? undefined : seededRandom(options.jitter);
  const step = () => (random === undefined ? 0 : randomInt(random, 3) - 1);
  for (const place of placements) {
    const sprite = sprites.sprite(place.concept, place.box);
    const left = place.x + Math.floor((place.size - sprite.width) / 2) + step();
    const top = place.y + Math.floor((place.size - sprite.height) / 2) + step();
    composite(pixels, canvas, sprite, left, top);
  }
  return pixels;
}

/** The picture of a scene: RGB bytes, rows first, shape [canvas, canvas, 3]. */
export function render(scene: Scene, sprites: SpriteSheet, options: RenderOptions = {}): Uint8Array {
  return renderPlacements(scene.background, layout(scene, sprites.canvas), sprites, options);
}
