/**
 * Pictures that the emoji model has not learnt, made from seeds: several kinds of noise, pictures with the statistics of
 * photographs (a power spectrum of 1 / f^2, Field 1987), patterns, plain colours, text, drawings, changed scenes, emoji of
 * other things; and crops of the pictures in a folder.
 */
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { deriveSeed, pick, type Random, randomInt, seededRandom } from '../src/core/random.ts';
import { concepts } from '../src/emoji/scenes/concepts.ts';
import { render } from '../src/emoji/scenes/render.ts';
import { sampleScene } from '../src/emoji/scenes/sample-scene.ts';
import { backgrounds } from '../src/emoji/scenes/scene.ts';
import type { SpriteSheet } from '../src/emoji/scenes/sprites.ts';

type Make = (random: Random, size: number, sprites: SpriteSheet) => Uint8Array | Promise<Uint8Array>;
type Colour = readonly [number, number, number];

const byte = (value: number) => Math.max(0, Math.min(255, Math.round(value)));
const anyColour = (random: Random): Colour => [randomInt(random, 256), randomInt(random, 256), randomInt(random, 256)];
const css = (colour: Colour) => `rgb(${colour.join(',')})`;

/** RGB bytes of a colour for each pixel. */
function paint(size: number, colourAt: (x: number, y: number) => Colour): Uint8Array {
  return Uint8Array.from({ length: size * size * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3);
    return byte(colourAt(pixel % size, Math.floor(pixel / size))[i % 3] as number);
  });
}

/** Smooth noise around 0: octaves of interpolated random grids, each at half the size and, for 1 / f^2, half the height. */
function fractalField(random: Random, size: number, decay = 0.5): Float32Array {
  const field = new Float32Array(size * size);
  for (let cells = 2, height = 1; cells <= size / 2; cells *= 2, height *= decay) {
    const grid = Float32Array.from({ length: (cells + 1) ** 2 }, () => random() - 0.5);
    const at = (x: number, y: number) => grid[y * (cells + 1) + x] as number;
    for (let i = 0; i < field.length; i++) {
      const [x, y] = [((i % size) / size) * cells, (Math.floor(i / size) / size) * cells];
      const [left, top] = [Math.floor(x), Math.floor(y)];
      const [u, v] = [x - left, y - top].map(share => share * share * (3 - 2 * share)) as [number, number];
      const upper = at(left, top) * (1 - u) + at(left + 1, top) * u;
      const lower = at(left, top + 1) * (1 - u) + at(left + 1, top + 1) * u;
      field[i] = (field[i] as number) + height * (upper * (1 - v) + lower * v);
    }
  }
  return field;
}

/** One field of brightness and one of hue between two colours, as light and things in photographs. */
const natural: Make = (random, size) => {
  const [light, hue] = [fractalField(random, size), fractalField(random, size)];
  const [a, b] = [anyColour(random), anyColour(random)];
  return paint(size, (x, y) => {
    const i = y * size + x;
    const share = (hue[i] as number) + 0.5;
    const mix = (k: 0 | 1 | 2) => a[k] * share + b[k] * (1 - share) + 160 * (light[i] as number);
    return [mix(0), mix(1), mix(2)];
  });
};

const gradient: Make = (random, size) => {
  const [a, b, angle] = [anyColour(random), anyColour(random), random() * 2 * Math.PI];
  return paint(size, (x, y) => {
    const share = 0.5 + ((x / size - 0.5) * Math.cos(angle) + (y / size - 0.5) * Math.sin(angle)) / Math.SQRT2;
    return [0, 1, 2].map(k => (a[k] as number) * share + (b[k] as number) * (1 - share)) as unknown as Colour;
  });
};

const pattern: Make = (random, size) => {
  const [a, b, period, isGrid] = [anyColour(random), anyColour(random), 3 + randomInt(random, 14), random() < 0.5];
  const odd = (value: number) => Math.floor(value / period) % 2 === 1;
  return paint(size, (x, y) => ((isGrid ? odd(x) !== odd(y) : odd(x + y)) ? a : b));
};

const speckles: Make = (random, size) =>
  paint(size, () =>
    pick(random, [
      [0, 0, 0],
      [255, 255, 255],
    ] as const),
  );

function ofSvg(size: number, body: string): Promise<Uint8Array> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}">${body}</svg>`;
  return sharp(Buffer.from(svg)).flatten({ background: '#ffffff' }).removeAlpha().raw().toBuffer();
}

const text: Make = (random, size) => {
  const letters = () => String.fromCharCode(97 + randomInt(random, 26));
  const line = () => Array.from({ length: 12 }, () => (random() < 0.2 ? ' ' : letters())).join('');
  const height = 7 + randomInt(random, 14);
  const lines = Array.from({ length: Math.ceil(size / height) }, (_, i) => {
    return `<text x="2" y="${(i + 1) * height}" font-size="${height - 1}" font-family="sans-serif">${line()}</text>`;
  });
  return ofSvg(size, lines.join(''));
};

const drawing: Make = (random, size) => {
  const place = () => randomInt(random, size);
  const shapes = Array.from({ length: 3 + randomInt(random, 6) }, () => {
    const colour = css(anyColour(random));
    return pick(random, [
      `<path d="M${place()} ${place()}Q${place()} ${place()} ${place()} ${place()}" fill="none" stroke="${colour}" stroke-width="${1 + randomInt(random, 4)}"/>`,
      `<rect x="${place()}" y="${place()}" width="${place()}" height="${place()}" fill="${colour}"/>`,
      `<circle cx="${place()}" cy="${place()}" r="${place() / 3}" fill="${colour}"/>`,
    ]);
  });
  return ofSvg(size, shapes.join(''));
};

/** One emoji of a thing outside of the model's 128, large in the middle of one of its backgrounds. */
async function otherEmoji(): Promise<Make> {
  const path = createRequire(import.meta.url).resolve('@iconify-json/fluent-emoji-flat/icons.json');
  const { icons } = JSON.parse(await readFile(path, 'utf8')) as { icons: Record<string, { body: string }> };
  const known = new Set(concepts.map(({ icon }) => icon));
  const others = Object.keys(icons).filter(name => !known.has(name) && !/-(light|medium|dark)/.test(name));
  return (random, size) => {
    const colour = pick(random, Object.values(backgrounds)) as Colour;
    const inner = `<svg x="6" y="6" width="${size - 12}" height="${size - 12}" viewBox="0 0 32 32">${icons[pick(random, others)]?.body}</svg>`;
    return ofSvg(size, `<rect width="100%" height="100%" fill="${css(colour)}"/>${inner}`);
  };
}

const raw = (size: number) => ({ raw: { width: size, height: size, channels: 3 as const } });
/** A scene as sharp changes it. */
const changed =
  (change: (scene: Sharp) => Sharp): Make =>
  (random, size, sprites) =>
    change(sharp(render(sampleScene(random), sprites), raw(size)))
      .resize(size, size)
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer();

/** A square of a picture of `folder`, from a quarter of its shorter side up. */
async function crops(folder: string): Promise<Make> {
  const names = (await readdir(folder)).filter(name => /\.(png|jpe?g|webp)$/i.test(name));
  return async (random, size) => {
    const picture = sharp(join(folder, pick(random, names)));
    const { width = 0, height = 0 } = await picture.metadata();
    const side = Math.max(16, Math.floor(Math.min(width, height) * (0.25 + 0.75 * random())));
    const [left, top] = [randomInt(random, width - side + 1), randomInt(random, height - side + 1)];
    return picture
      .extract({ left, top, width: side, height: side })
      .resize(size, size)
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer();
  };
}

/** Makers by kind. `photographs` is a folder. */
async function makers(photographs?: string): Promise<Record<string, Make>> {
  return {
    ...(photographs !== undefined && { photographs: await crops(photographs) }),
    'like photographs': natural,
    'colour noise': (random, size) => paint(size, () => anyColour(random)),
    'black and white noise': speckles,
    gradients: gradient,
    patterns: pattern,
    'plain colours': (random, size) => {
      const colour = anyColour(random);
      return paint(size, () => colour);
    },
    text,
    drawings: drawing,
    screenshots: await crops('docs/images'),
    'scenes, inverted': changed(scene => scene.negate()),
    'scenes, grey': changed(scene => scene.modulate({ saturation: 0 })),
    'scenes, upside down': changed(scene => scene.rotate(180)),
    'other emoji': await otherEmoji(),
  };
}

/** `count` pictures of each kind, RGB bytes of shape [size, size, 3]. */
export async function unlikePictures(
  count: number,
  sprites: SpriteSheet,
  photographs?: string,
): Promise<ReadonlyMap<string, readonly Uint8Array[]>> {
  const kinds = Object.entries(await makers(photographs));
  const made = kinds.map(async ([kind, make], k) => {
    const random = seededRandom(deriveSeed(1, k));
    const pictures: Uint8Array[] = [];
    for (let i = 0; i < count; i++) pictures.push(new Uint8Array(await make(random, sprites.canvas, sprites)));
    return [kind, pictures] as const;
  });
  return new Map(await Promise.all(made));
}

/** Scenes as they come back to a model: saved as JPEG; enlarged, by pixels and smoothly, and shrunk again. */
export async function savedScenes(scenes: readonly Uint8Array[], size: number): Promise<Map<string, Uint8Array[]>> {
  const back = (file: Sharp) => file.resize(size, size).removeAlpha().raw().toBuffer();
  const by = (save: (scene: Sharp) => Promise<Buffer>) =>
    Promise.all(scenes.map(async scene => new Uint8Array(await back(sharp(await save(sharp(scene, raw(size))))))));
  return new Map([
    ['saved as JPEG, quality 90', await by(scene => scene.jpeg({ quality: 90 }).toBuffer())],
    ['saved as JPEG, quality 60', await by(scene => scene.jpeg({ quality: 60 }).toBuffer())],
    [
      'enlarged eightfold',
      await by(scene =>
        scene
          .resize(8 * size, 8 * size, { kernel: 'nearest' })
          .png()
          .toBuffer(),
      ),
    ],
    [
      'enlarged smoothly',
      await by(scene =>
        scene
          .resize(5 * size, 5 * size)
          .png()
          .toBuffer(),
      ),
    ],
    [
      'blown up from half',
      await by(scene =>
        scene
          .resize(size / 2, size / 2)
          .png()
          .toBuffer(),
      ),
    ],
  ]);
}
