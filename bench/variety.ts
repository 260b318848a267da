/**
 * `npm run bench -- variety [--count 60] [--seeds 4] [--guidance 1,1.5,2,3,4] [--steps 20] [--precision int8]
 * [--model emoji]`: how much pictures of one caption differ from seed to seed, and how often they are right, at several
 * guidances. Captions are of held-out scenes. Beside it stands what the data themselves vary: true renders of the same
 * scene, whose objects training may have moved by up to a pixel.
 */
import { parseArgs } from 'node:util';
import { deriveSeed, seededRandom } from '../src/core/random.ts';
import { pictureJudge } from '../src/emoji/judge/judge.ts';
import { sceneFeatures } from '../src/emoji/judge/scene-features.ts';
import { captionOf } from '../src/emoji/scenes/captions.ts';
import { render } from '../src/emoji/scenes/render.ts';
import { sampleScenes } from '../src/emoji/scenes/sample-scene.ts';
import { loadSprites } from '../src/emoji/scenes/sprites.ts';
import type { EvalModel } from '../src/eval/model.ts';
import { meanInterval, wilson } from '../src/eval/statistics.ts';
import { loadEvalModel } from '../src/pipelines/unidiffuser/evaluation.ts';

const seed = 30_000;

/** Root mean square of the differences of two pictures, in levels of 255. */
function pixelDistance(a: Uint8Array, b: Uint8Array): number {
  return Math.sqrt(a.reduce((sum, value, i) => sum + (value - (b[i] as number)) ** 2, 0) / a.length);
}

/** 1 - cosine. */
function cosineDistance(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * (y[i] as number), 0);
  return 1 - dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

/** The mean distance of all pairs within each group of `size` neighbours. */
function within<T>(items: readonly T[], size: number, distance: (a: T, b: T) => number): number[] {
  return Array.from({ length: items.length / size }, (_, group) => {
    const own = items.slice(group * size, (group + 1) * size);
    const pairs = own.flatMap((a, i) => own.slice(i + 1).map(b => distance(a, b)));
    return pairs.reduce((sum, value) => sum + value, 0) / pairs.length;
  });
}

/** Variety of the groups of `seeds` pictures each, as cells of the table. */
async function varietyOf(model: EvalModel, pictures: readonly Uint8Array[], seeds: number): Promise<string[]> {
  const pixels = meanInterval(within(pictures, seeds, pixelDistance));
  const clip = meanInterval(within(await model.embedImage(pictures), seeds, cosineDistance));
  return [pixels, clip].map(({ value, low, high }, k) => {
    const digits = k === 0 ? 1 : 3;
    return `${value.toFixed(digits)} (${low.toFixed(digits)}–${high.toFixed(digits)})`;
  });
}

export async function run(): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(3),
    options: {
      count: { type: 'string', default: '60' },
      seeds: { type: 'string', default: '4' },
      guidance: { type: 'string', default: '1,1.5,2,3,4' },
      steps: { type: 'string', default: '20' },
      precision: { type: 'string', default: 'int8' },
      model: { type: 'string', default: 'emoji' },
    },
  });
  const [count, seeds, steps] = [values.count, values.seeds, values.steps].map(Number) as [number, number, number];
  const model = await loadEvalModel(values.model, { precision: values.precision === 'fp32' ? 'fp32' : 'int8' });
  const sprites = await loadSprites(model.imageSize);
  const random = seededRandom(seed);
  const scenes = sampleScenes(count, random, { heldOut: true });
  const repeated = <T>(items: readonly T[]) => items.flatMap(item => new Array<T>(seeds).fill(item));
  const captions = repeated(scenes.map(scene => captionOf(scene, random)));
  const judge = pictureJudge(sceneFeatures(sprites), seed);
  const line = (cells: readonly string[]) => console.log(`| ${cells.join(' | ')} |`);
  const rightOf = (pictures: readonly Uint8Array[]) => {
    const right = pictures.filter((p, i) => judge.judge(p, scenes[Math.floor(i / seeds)]!, i).right).length;
    const { value, low, high } = wilson(right, pictures.length);
    return `${(100 * value).toFixed(1)} % (${(100 * low).toFixed(1)}–${(100 * high).toFixed(1)})`;
  };

  line(['guidance', 'variety in pixels', 'variety in CLIP', 'distance to the true picture', 'right']);
  line(new Array<string>(5).fill('---'));
  const truth = repeated(scenes.map(scene => render(scene, sprites)));
  for (const guidance of values.guidance.split(',').map(Number)) {
    const pictures: Uint8Array[] = [];
    for (let from = 0; from < captions.length; from += 48) {
      const settings = { seed: seed + from, steps, guidance };
      pictures.push(...(await model.textToImage(captions.slice(from, from + 48), settings)));
    }
    const off = meanInterval(pictures.map((picture, i) => pixelDistance(picture, truth[i] as Uint8Array)));
    line([String(guidance), ...(await varietyOf(model, pictures, seeds)), off.value.toFixed(1), rightOf(pictures)]);
  }
  const jittered = repeated(scenes).map((scene, i) => render(scene, sprites, { jitter: deriveSeed(seed, i) }));
  line(['true, as they are', ...(await varietyOf(model, truth, seeds)), '0', rightOf(truth)]);
  line(['true, moved by up to a pixel', ...(await varietyOf(model, jittered, seeds)), '', rightOf(jittered)]);
  await model.release();
}
