import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { anyScene } from '../../../test/any-scene.ts';
import { type DatasetItem, generateDataset } from '../../../test/support/scene-dataset.ts';
import { seededRandom } from '../../core/random.ts';
import { describe as captionFor } from './captions.ts';
import { concepts } from './concepts.ts';
import { sceneSheet } from './contact-sheet.ts';
import { hiddenShare, isVisible, isVisibleOn } from './contrast.ts';
import { combinationHash, isHeldOut } from './held-out.ts';
import { layout } from './layout.ts';
import { render } from './render.ts';
import { neighbour, neighboursOf, sampleScene, sampleScenes } from './sample-scene.ts';
import { backgroundNames, backgrounds, pair, type Scene, sameScene, sceneKey, several, single } from './scene.ts';
import { loadSprites, type SpriteSheet } from './sprites.ts';

let sprites: SpriteSheet;
beforeAll(async () => {
  sprites = await loadSprites(64);
});

describe('scene values', () => {
  test('a relation said from either side is one value', () => {
    expect(pair('cat', 'left of', 'dog')).toEqual(pair('dog', 'right of', 'cat'));
    expect(pair('cat', 'below', 'dog')).toEqual(pair('dog', 'above', 'cat'));
    expect(sameScene(pair('cat', 'left of', 'dog'), pair('dog', 'left of', 'cat'))).toBe(false);
  });

  test('keys are equal exactly when scenes are', () => {
    fc.assert(
      fc.property(anyScene, anyScene, (a, b) => {
        expect(sceneKey(a) === sceneKey(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
    );
  });
});

describe('the held-out rule', () => {
  /** The rule once more, written as the data notes state it, for comparison. */
  function expected(scene: Scene): boolean {
    const h = (s: string) => Number.parseInt(createHash('sha256').update(s).digest('hex').slice(0, 8), 16);
    const names = scene.kind === 'pair' ? [scene.first, scene.second] : [scene.concept];
    const other = { 'left of': 'right of', above: 'below' };
    return (
      names.some(name => scene.background !== 'white' && h(`bg|${name}|${scene.background}`) % 10 === 0) ||
      (scene.kind === 'pair' &&
        (h(`pair|${[...names].sort().join('|')}`) % 20 === 0 ||
          h(`rel|${scene.first}|${scene.relation}`) % 10 === 0 ||
          h(`rel|${scene.second}|${other[scene.relation]}`) % 10 === 0)) ||
      (scene.kind === 'count' && h(`count|${scene.concept}|${scene.count}`) % 10 === 0) ||
      (scene.kind === 'single' && scene.position !== 'center' && h(`pos|${scene.concept}|${scene.position}`) % 10 === 0)
    );
  }

  test('agrees with a second writing of it', () => {
    fc.assert(
      fc.property(anyScene, scene => {
        expect(isHeldOut(scene)).toBe(expected(scene));
      }),
      { numRuns: 2000 },
    );
  });

  test('hashes as stated: the first four bytes of sha256, big-endian', () => {
    expect(combinationHash('')).toBe(0xe3b0c442);
  });

  test('every object, alone and centred on white, stays in training', () => {
    for (const { name } of concepts) expect(isHeldOut(single(name))).toBe(false);
  });
});

describe('sampling', () => {
  test('keeps to its side of the split and to visible scenes', () => {
    const random = seededRandom(1);
    for (let i = 0; i < 500; i++) {
      expect(isHeldOut(sampleScene(random))).toBe(false);
      const other = sampleScene(random, { heldOut: true });
      expect(isHeldOut(other)).toBe(true);
      expect(isVisible(other)).toBe(true);
    }
  });

  test('as many of each kind as asked for', () => {
    const random = seededRandom(5);
    const shares = { large: 0, small: 1, pair: 3, count: 0 };
    const scenes = Array.from({ length: 800 }, () => sampleScene(random, { shares }));
    const small = scenes.filter(scene => scene.kind === 'single' && scene.size === 'small').length;
    expect(small).toBeGreaterThan(150);
    expect(small).toBeLessThan(250);
    expect(scenes.filter(({ kind }) => kind === 'pair').length).toBe(800 - small);
  });

  test('different scenes on request', () => {
    const scenes = sampleScenes(300, seededRandom(2), { heldOut: 'any' });
    expect(new Set(scenes.map(sceneKey)).size).toBe(300);
  });

  test('training shows every object on every kind of scene', () => {
    const random = seededRandom(9);
    const seen = new Set<string>();
    for (let i = 0; i < 30_000; i++) {
      const scene = sampleScene(random);
      for (const name of scene.kind === 'pair' ? [scene.first, scene.second] : [scene.concept]) {
        seen.add(`${name}|${scene.kind}`);
      }
    }
    expect(seen.size).toBe(concepts.length * 3);
  });

  /** Scenes with their relation unfolded, so that a swap counts as the one part that it is. */
  function parts(scene: Scene): Set<string> {
    if (scene.kind !== 'pair') return new Set(Object.entries(scene).map(String));
    const objects = [`objects,${[scene.first, scene.second].sort()}`];
    return new Set([...objects, `order,${scene.first}${scene.relation}${scene.second}`, scene.background]);
  }

  test('neighbours differ, are visible, and differ in one part', () => {
    const random = seededRandom(4);
    for (const scene of [single('cat'), several('star', 3, 'blue'), pair('dog', 'above', 'car', 'pink')]) {
      for (const other of [...neighboursOf(scene), neighbour(scene, random)]) {
        expect(sameScene(scene, other)).toBe(false);
        expect(isVisible(other)).toBe(true);
        expect(other.kind).toBe(scene.kind);
        const changed = [...parts(scene)].filter(part => !parts(other).has(part));
        expect(changed.length, sceneKey(other)).toBeLessThanOrEqual(scene.kind === 'pair' ? 2 : 1);
      }
    }
  });
});

describe('pictures', () => {
  test('objects stay inside the canvas, even with jitter, and apart from each other', () => {
    fc.assert(
      fc.property(anyScene, scene => {
        const placements = layout(scene);
        for (const { x, y, size } of placements) {
          expect(Math.min(x, y)).toBeGreaterThanOrEqual(1);
          expect(Math.max(x, y) + size).toBeLessThanOrEqual(63);
        }
        for (const [i, a] of placements.entries()) {
          for (const b of placements.slice(i + 1)) {
            expect(Math.max(Math.abs(a.x - b.x), Math.abs(a.y - b.y))).toBeGreaterThan(a.size);
          }
        }
      }),
    );
  });

  test('the border shows the background and the middle the object', () => {
    fc.assert(
      fc.property(anyScene, scene => {
        const pixels = render(scene, sprites);
        expect(pixels.length).toBe(64 * 64 * 3);
        const color = [...backgrounds[scene.background]];
        expect([...pixels.subarray(0, 3)]).toEqual(color);
        expect([...pixels.subarray(-3)]).toEqual(color);
        expect(pixels.some((value, i) => value !== color[i % 3])).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test('jitter is seeded and small; without it nothing moves', () => {
    const scene = pair('cat', 'left of', 'rocket', 'blue');
    expect(render(scene, sprites)).toEqual(render(scene, sprites));
    expect(render(scene, sprites, { jitter: 3 })).toEqual(render(scene, sprites, { jitter: 3 }));
    const variants = new Set([1, 2, 3, 4, 5].map(jitter => String(render(scene, sprites, { jitter }))));
    expect(variants.size).toBeGreaterThan(1);
  });

  test('different scenes have different pictures', () => {
    const scenes = sampleScenes(400, seededRandom(6), { heldOut: 'any' });
    expect(new Set(scenes.map(scene => String(render(scene, sprites)))).size).toBe(400);
  });

  test('the contrast table is what the sprites measure', () => {
    for (const { name } of concepts) {
      for (const background of backgroundNames) {
        const hidden = hiddenShare(sprites.sprite(name, 'large'), background) > 0.4;
        expect(isVisibleOn(name, background), `${name} on ${background}`).toBe(background === 'white' || !hidden);
      }
    }
  });

  test('other canvas sizes scale the layout', async () => {
    const doubled = await loadSprites(128);
    expect(render(single('cat'), doubled).length).toBe(128 * 128 * 3);
    expect(layout(pair('cat', 'above', 'dog'), 128)[1]).toMatchObject({ x: 34, y: 66, size: 60 });
  });
});

describe('the data set', () => {
  async function collect(options: Parameters<typeof generateDataset>[0]): Promise<DatasetItem[]> {
    const items: DatasetItem[] = [];
    for await (const item of generateDataset(options)) items.push(item);
    return items;
  }

  test('is the same for the same seed and another for another', async () => {
    const first = await collect({ count: 20, seed: 1, sprites, jitter: true });
    expect(await collect({ count: 20, seed: 1, sprites, jitter: true })).toEqual(first);
    expect(await collect({ count: 20, seed: 2, sprites, jitter: true })).not.toEqual(first);
  });

  test('canonical captions on request', async () => {
    for (const { scene, caption } of await collect({ count: 20, seed: 3, sprites, captions: 'canonical' })) {
      expect(caption).toBe(captionFor(scene));
    }
  });
});

describe('the contact sheet', () => {
  test('shows every concept and some scenes, as the committed one does', async () => {
    const sheet = await sharp(await sceneSheet(sprites, 16)).metadata();
    expect(sheet).toMatchObject({ format: 'png', width: 16 * 66 - 2, height: (concepts.length / 16 + 1) * 66 - 2 });
    const committed = fileURLToPath(new URL('../../../docs/scenes.png', import.meta.url));
    expect((await sharp(committed).metadata()).width).toBe(sheet.width);
    expect((await stat(committed)).size).toBeLessThan(300_000);
  });
});
