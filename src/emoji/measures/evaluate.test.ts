import { beforeAll, describe, expect, test } from 'vitest';
import { deriveSeed, pick, type Random, randomInt, seededRandom } from '../../core/random.ts';
import { featuresOf, squaredDistance, wholeRegion } from '../../eval/features.ts';
import type { EvalModel } from '../../eval/model.ts';
import { type Figure, kindTable, markdownTable, meetsFloor } from '../../eval/report.ts';
import { measureSpeed } from '../../eval/speed.ts';
import { candidatesFor, distractorPool } from '../judge/candidates.ts';
import { judgeCaption, pictureJudge } from '../judge/judge.ts';
import { type SceneFeatures, sceneFeatures } from '../judge/scene-features.ts';
import { indexScenes } from '../judge/scene-index.ts';
import { describe as captionFor } from '../scenes/captions.ts';
import { parse } from '../scenes/parse.ts';
import { render } from '../scenes/render.ts';
import { neighbour, neighboursOf, sampleScene, sampleScenes } from '../scenes/sample-scene.ts';
import { type Scene, sameScene, sceneGroups, sceneKey } from '../scenes/scene.ts';
import { loadSprites, type SpriteSheet } from '../scenes/sprites.ts';
import { evaluate } from './evaluate.ts';

let sprites: SpriteSheet;
let known: SceneFeatures;
beforeAll(async () => {
  sprites = await loadSprites(64);
  known = sceneFeatures(sprites);
});

/** A one-hot-like embedding of a scene: different scenes get independent random directions. */
function embedding(scene: Scene): Float32Array {
  let hash = 7;
  for (const letter of sceneKey(scene)) hash = deriveSeed(hash, letter.charCodeAt(0));
  const random = seededRandom(hash);
  return Float32Array.from({ length: 32 }, () => random() - 0.5);
}

/** Knows the truth: draws what captions say and says what pictures show. */
function oracle(): EvalModel {
  const index = indexScenes(known);
  const scenesFrom = (count: number, seed: number) =>
    Array.from({ length: count }, (_, i) => sampleScene(seededRandom(seed + i), { heldOut: 'any' }));
  return {
    textToImage: async captions => captions.map(caption => render(parse(caption) as Scene, sprites)),
    imageToText: async pictures => pictures.map(picture => captionFor(index.nearest(picture).scene)),
    joint: async (count, { seed }) =>
      scenesFrom(count, seed).map(scene => ({ caption: captionFor(scene), pixels: render(scene, sprites) })),
    image: async (count, { seed }) => scenesFrom(count, seed).map(scene => render(scene, sprites)),
    text: async (count, { seed }) => scenesFrom(count, seed).map(captionFor),
    embedText: async captions => captions.map(caption => embedding(parse(caption) as Scene)),
    embedImage: async pictures => pictures.map(picture => embedding(index.nearest(picture).scene)),
    reconstruct: async pictures => [...pictures],
  };
}

/** Knows nothing: noise for pictures, random words for captions. */
function clueless(): EvalModel {
  const words = ['cat', 'a', 'on', 'the', 'left', 'blue', 'background', 'dog', 'two'];
  const noise = (random: Random) => Uint8Array.from({ length: 64 * 64 * 3 }, () => randomInt(random, 256));
  const noises = (count: number) => Array.from({ length: count }, (_, i) => noise(seededRandom(i)));
  const texts = (count: number) =>
    Array.from({ length: count }, (_, i) => {
      const random = seededRandom(i);
      return Array.from({ length: 6 }, () => pick(random, words)).join(' ');
    });
  const vectors = (count: number, seed: number) =>
    Array.from({ length: count }, (_, i) => {
      const random = seededRandom(deriveSeed(seed, i));
      return Float32Array.from({ length: 16 }, () => random() - 0.5);
    });
  return {
    textToImage: async captions => noises(captions.length),
    imageToText: async pictures => texts(pictures.length),
    joint: async count => noises(count).map((pixels, i) => ({ pixels, caption: texts(count)[i] as string })),
    image: async count => noises(count),
    text: async count => texts(count),
    embedText: async captions => vectors(captions.length, 1),
    embedImage: async pictures => vectors(pictures.length, 2),
    reconstruct: async pictures => noises(pictures.length),
  };
}

function valuesOf(figures: readonly Figure[], unit: Figure['unit']): number[] {
  return figures
    .filter(figure => figure.unit === unit)
    .flatMap(({ seen, heldOut, overall }) => [seen, heldOut, overall])
    .filter(measured => measured !== undefined)
    .map(measured => measured.value);
}

describe('the measures', () => {
  test('give a perfect model everything', async () => {
    const figures = await evaluate(oracle(), { sprites, known, count: 24, retrievalCount: 40, batch: 10 });
    expect(figures.map(figure => figure.name)).toMatchInlineSnapshot(`
      [
        "text to image",
        "text to image, right object",
        "text to image, PSNR to the true render, median",
        "image to text",
        "image to text, right object",
        "joint, the picture is its caption's",
        "image alone, near a true render",
        "text alone, parses",
        "round trip",
        "joint, different captioned scenes",
        "joint, different pictured scenes",
        "joint, captions of held-out scenes",
        "joint, near-copies of training renders",
        "retrieval, text to image, R@1",
        "retrieval, text to image, R@5",
        "retrieval, image to text, R@1",
        "retrieval, image to text, R@5",
        "autoencoder, PSNR",
      ]
    `);
    expect(Math.min(...valuesOf(figures, '%'))).toBe(1);
    expect(Math.min(...valuesOf(figures, 'dB'))).toBe(99);
    expect(figures.filter(figure => meetsFloor(figure) === false)).toEqual([]);
    expect(figures.find(figure => figure.name.includes('near-copies'))?.overall?.value).toBeGreaterThan(5);
  });

  test('give a clueless model nothing', async () => {
    const figures = await evaluate(clueless(), { sprites, known, count: 24, retrievalCount: 60 });
    const own = figures.filter(figure => !figure.name.endsWith('R@5'));
    expect(Math.max(...valuesOf(own, '%'))).toBeLessThan(0.13);
    expect(Math.max(...valuesOf(figures, 'dB'))).toBeLessThan(12);
    expect(figures.filter(figure => meetsFloor(figure) === true)).toEqual([]);
  });

  test('give a model that always gets one part wrong its objects at most', async () => {
    const random = seededRandom(1);
    const wrong = (scene: Scene) => neighbour(scene, random);
    const truth = oracle();
    const model: EvalModel = {
      ...truth,
      textToImage: async captions => captions.map(caption => render(wrong(parse(caption) as Scene), sprites)),
      imageToText: async (pictures, settings) =>
        (await truth.imageToText(pictures, settings)).map(caption => captionFor(wrong(parse(caption) as Scene))),
    };
    const figures = await evaluate(model, { sprites, known, count: 24, measures: ['text-to-image', 'image-to-text'] });
    for (const { name, heldOut, unit } of figures) {
      if (unit === 'dB') expect(heldOut?.value).toBeLessThan(40);
      else if (name.endsWith('right object')) expect(heldOut?.value).toBeGreaterThan(0.3);
      else expect(heldOut?.value).toBe(0);
    }
  });

  test('repeat themselves, whatever the batch', async () => {
    const measures = ['joint', 'diversity'] as const;
    const options = { sprites, known, count: 12, measures };
    const once = await evaluate(oracle(), { ...options, batch: 5 });
    expect(await evaluate(oracle(), { ...options, batch: 12 })).toEqual(once);
  });

  test('stop when asked to and name a model that answers too little', async () => {
    const options = { sprites, known, count: 4, measures: ['text-to-image'] } as const;
    await expect(evaluate(oracle(), { ...options, signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
    await expect(evaluate({ ...oracle(), textToImage: async () => [] }, options)).rejects.toThrow(/0 results for 4/);
  });

  test('become Markdown tables', async () => {
    const figures = await evaluate(oracle(), { sprites, known, count: 8, measures: ['image-to-text', 'joint'] });
    expect(markdownTable(figures)).toContain('| image to text | 8 | 100.0 % (67.6–100.0) |');
    expect(kindTable(figures, sceneGroups)).toContain('| image to text, right object |');
  });
});

test('speed: the first call is cold, the others count by their median', async () => {
  const readings = [0, 900, 1000, 1100, 2000, 2300, 3000, 3090];
  const clock = () => readings.shift() ?? Number.NaN;
  const figures = await measureSpeed(clueless(), { clock, repeats: 3 });
  expect(figures.map(figure => figure.overall?.value)).toEqual([900, 100]);
  expect(markdownTable(figures)).toContain('| one picture, warm | 3 |  |  | 100 ms |');
});

describe('judging pictures', () => {
  function gaussian(random: Random): number {
    return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  }

  test.each([
    { what: 'noise of 25 levels', sigma: 25, jitter: false, least: 1 },
    { what: 'objects moved by up to one pixel', sigma: 0, jitter: true, least: 0.95 },
    { what: 'both', sigma: 25, jitter: true, least: 0.95 },
  ])('$what: still the right scene', ({ sigma, jitter, least }) => {
    const judge = pictureJudge(known, 1);
    const random = seededRandom(2);
    const scenes = sampleScenes(60, random, { heldOut: true });
    const right = scenes.filter((scene, i) => {
      const clean = render(scene, sprites, jitter ? { jitter: i } : {});
      const picture = clean.map(value => Math.max(0, Math.min(255, Math.round(value + sigma * gaussian(random)))));
      return judge.judge(picture, scene, i).right;
    });
    expect(right.length / scenes.length).toBeGreaterThanOrEqual(least);
  });

  test('a thousand candidates, half of the distractors hard', () => {
    const random = seededRandom(3);
    const pool = distractorPool(random);
    for (const truth of sampleScenes(12, random)) {
      const candidates = candidatesFor(truth, pool, random);
      expect(new Set(candidates.map(sceneKey)).size).toBe(1000);
      expect(candidates[0]).toBe(truth);
      const near = new Set(neighboursOf(truth).map(sceneKey));
      const hard = candidates.filter(scene => near.has(sceneKey(scene)));
      expect(hard.length).toBeGreaterThanOrEqual(Math.min(near.size, 500));
    }
  });

  test('the index finds every render itself, and its nearest other as a search of all does', () => {
    const index = indexScenes(known);
    const whole = wholeRegion(32);
    for (const scene of sampleScenes(25, seededRandom(4), { heldOut: 'any' })) {
      const picture = render(scene, sprites);
      expect(index.nearest(picture)).toEqual({ scene, distance: 0 });
      const other = index.nearest(picture, scene);
      expect(sameScene(other.scene, scene)).toBe(false);
      const features = featuresOf(picture, 64);
      const distanceTo = (to: Scene) =>
        Math.sqrt(squaredDistance(features, featuresOf(render(to, sprites), 64), 32, whole) / features.length);
      expect(distanceTo(other.scene)).toBeCloseTo(other.distance, 9);
      expect(Math.min(...neighboursOf(scene).map(distanceTo))).toBeGreaterThanOrEqual(other.distance - 1e-9);
    }
  });

  test('captions: right, right object, and neither', () => {
    const scene = parse('a cat on a blue background') as Scene;
    expect(judgeCaption('a cat on blue', scene)).toMatchObject({ right: true, rightObject: true });
    expect(judgeCaption('a small cat', scene)).toMatchObject({ right: false, rightObject: true });
    expect(judgeCaption('a dog on blue', scene)).toMatchObject({ right: false, rightObject: false });
    expect(judgeCaption('cat cat', scene)).toMatchObject({ found: undefined, right: false, rightObject: false });
  });
});
