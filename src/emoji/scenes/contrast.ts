/**
 * Which objects vanish on which backgrounds. A background is refused when more than 40 % of a sprite's pixels are
 * closer to it than 0.12 in OKLab. White is never refused: the white drawings of this set have dark outlines.
 * The table is measured from the sprites; contrast.test.ts measures it again.
 */

import { type Background, backgrounds, objectsOf, type Scene } from './scene.ts';
import type { Sprite } from './sprites.ts';

const refusals: Readonly<Record<Exclude<Background, 'white'>, readonly string[]>> = {
  gray: [
    'mouse',
    'rabbit',
    'koala',
    'cow',
    'monkey',
    'elephant',
    'duck',
    'airplane',
    'flying saucer',
    'castle',
    'robot',
  ],
  yellow: [
    'dog',
    'frog',
    'chick',
    'banana',
    'lemon',
    'avocado',
    'pizza',
    'taco',
    'cake',
    'ice cream',
    'sunflower',
    'taxi',
    'house',
    'sun',
    'moon',
    'star',
    'drum',
    'key',
    'bell',
    'yellow heart',
  ],
  green: ['frog', 'dinosaur', 'avocado', 'cactus', 'clover', 'alien', 'green heart'],
  blue: ['mouse', 'rabbit', 'whale', 'airplane', 'castle', 'laptop', 'dress', 'robot'],
  purple: ['mouse', 'rabbit', 'airplane', 'castle', 'robot'],
  pink: ['mouse', 'rabbit', 'cow', 'airplane', 'drum', 'robot'],
  orange: [
    'cat',
    'fox',
    'tiger',
    'lion',
    'cow',
    'pig',
    'monkey',
    'giraffe',
    'octopus',
    'pineapple',
    'carrot',
    'pizza',
    'hamburger',
    'hot dog',
    'cake',
    'helicopter',
    'house',
    'fire',
    'planet',
    'trumpet',
    'crown',
    'pencil',
    'trophy',
    'basketball',
    'teddy bear',
    'pumpkin',
    'orange heart',
    'grinning face',
    'crying face',
    'cool face',
  ],
};

const refused = new Set(
  Object.entries(refusals).flatMap(([background, names]) => names.map(n => `${n}|${background}`)),
);

/** True when the object stands out from the background. */
export function isVisibleOn(concept: string, background: Background): boolean {
  return !refused.has(`${concept}|${background}`);
}

/** True when all objects of the scene stand out from its background. */
export function isVisible(scene: Scene): boolean {
  return objectsOf(scene).every(concept => isVisibleOn(concept, scene.background));
}

function linear(byte: number): number {
  const v = byte / 255;
  return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
}

/** sRGB bytes -> OKLab (Ottosson, "A perceptual color space for image processing", 2020). */
function oklab(red: number, green: number, blue: number): readonly [number, number, number] {
  const [r, g, b] = [linear(red), linear(green), linear(blue)];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

/** The share of a sprite's opaque pixels that are closer than 0.12 in OKLab to a background. @testOnly */
export function hiddenShare(sprite: Sprite, background: Background): number {
  const [red, green, blue] = backgrounds[background];
  const [L, a, b] = oklab(red, green, blue);
  const { data } = sprite;
  let hidden = 0;
  let opaque = 0;
  for (let i = 0; i < data.length; i += 4) {
    if ((data[i + 3] as number) < 128) continue;
    const color = oklab(data[i] as number, data[i + 1] as number, data[i + 2] as number);
    opaque++;
    if (Math.hypot(color[0] - L, color[1] - a, color[2] - b) < 0.12) hidden++;
  }
  return hidden / Math.max(1, opaque);
}
