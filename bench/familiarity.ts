/**
 * `npm run bench -- familiarity [--scenes 1000] [--count 40] [--captions 0] [--precision fp32] [--photographs FOLDER]
 * [--model emoji]`: which cheap score tells pictures that a model of emoji scenes has not learnt. For each candidate: the area
 * under the ROC curve against held-out scenes, and which share is told at the threshold that 1 % of held-out scenes miss, by
 * kind of picture. Kinds that begin with "=" are scenes after all: their share is of false alarms. The candidates that need
 * captions (four of each picture) are measured on the first --captions pictures of each kind.
 */
import { parseArgs } from 'node:util';
import { deriveSeed, seededRandom } from '../src/core/random.ts';
import { captionOf } from '../src/emoji/scenes/captions.ts';
import { render } from '../src/emoji/scenes/render.ts';
import { sampleScenes } from '../src/emoji/scenes/sample-scene.ts';
import { loadSprites } from '../src/emoji/scenes/sprites.ts';
import { psnr, wilson } from '../src/eval/statistics.ts';
import { findModel } from '../src/pipelines/find-model.ts';
import { loadEvalModel } from '../src/pipelines/unidiffuser/evaluation.ts';
import { readModelFolder } from '../src/pipelines/unidiffuser/model-folder.ts';
import { CompiledNetworks } from '../src/pipelines/unidiffuser/networks/compiled-networks.ts';
import { measureFamiliarity } from '../src/pipelines/unidiffuser/sampling/index.ts';
import { savedScenes, unlikePictures } from './unlike-pictures.ts';

/** By candidate: the higher, the more familiar. */
type Scores = Readonly<Record<string, number>>;

const seed = 40_000;
const falseAlarms = 0.01;
const timesteps = [50, 150, 300, 500, 700];

const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);
const cosine = (a: Float32Array, b: Float32Array) => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));

/** The share of pairs in which the picture of `unlike` is the less familiar; ties count half. */
function areaUnderCurve(like: readonly number[], unlike: readonly number[]): number {
  const wins = unlike.flatMap(u => like.map(l => (u < l ? 1 : u === l ? 0.5 : 0)));
  return wins.reduce<number>((sum, win) => sum + win, 0) / wins.length;
}

/** What a share `falseAlarms` of `scores` is below. */
function thresholdOf(scores: readonly number[]): number {
  return scores.toSorted((a, b) => a - b)[Math.floor(scores.length * falseAlarms)] as number;
}

export async function run(): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(3),
    options: {
      scenes: { type: 'string', default: '1000' },
      count: { type: 'string', default: '40' },
      captions: { type: 'string', default: '0' },
      precision: { type: 'string', default: 'fp32' },
      photographs: { type: 'string' },
      model: { type: 'string', default: 'emoji' },
    },
  });
  const [sceneCount, count, captioned] = [values.scenes, values.count, values.captions].map(Number) as [
    number,
    number,
    number,
  ];
  const precision = values.precision === 'int8' ? 'int8' : 'fp32';
  const folder = await readModelFolder(await findModel(values.model));
  const networks = await CompiledNetworks.create(folder, { precision });
  const model = await loadEvalModel(values.model, { precision });
  const { imageSize: size, diffusion } = folder.config;
  const sprites = await loadSprites(size);

  const captionScores = async (bytes: Uint8Array): Promise<Scores> => {
    const captions = await model.imageToText(new Array<Uint8Array>(4).fill(bytes), { seed });
    const [first = ''] = captions;
    const [words] = await model.embedText([first]);
    const [picture] = await model.embedImage([bytes]);
    return {
      'captions that agree': captions.filter(caption => caption === first).length,
      'cosine with the caption': cosine(words!, picture!),
    };
  };
  const scoresOf = async (bytes: Uint8Array, hasCaptions: boolean): Promise<Scores> => {
    const [latents] = await networks.encodeImages([{ width: size, height: size, data: bytes }], {});
    const { z, c } = latents!;
    const [copy] = await networks.decodeImages([z], {});
    const restored = timesteps.map(async t => {
      return [`restored, t = ${t}`, await measureFamiliarity(networks, diffusion, latents!, t)] as const;
    });
    return {
      ...Object.fromEntries(await Promise.all(restored)),
      'autoencoder, PSNR': psnr(copy!.data, bytes),
      'distance of c': -dot(c, c),
      'distance of z': -dot(z, z),
      ...(hasCaptions && (await captionScores(bytes))),
    };
  };
  const measure = (pictures: readonly Uint8Array[], withCaptions: number) =>
    Promise.all(pictures.map((picture, i) => scoresOf(picture, i < withCaptions)));

  const draw = (salt: number, n: number) => sampleScenes(n, seededRandom(deriveSeed(seed, salt)), { heldOut: true });
  const pictures = draw(0, sceneCount).map(scene => render(scene, sprites));
  const heldOut = await measure(pictures, 4 * captioned);
  const random = seededRandom(seed);
  const captions = draw(1, count).map(scene => captionOf(scene, random));
  const kinds = new Map<string, readonly Uint8Array[]>([
    ['other held-out scenes', draw(2, sceneCount).map(scene => render(scene, sprites))],
    ['scenes, seen', sampleScenes(count, random).map(scene => render(scene, sprites))],
    ['drawn by the model', await model.textToImage(captions, { seed })],
    ...(await savedScenes(pictures.slice(0, count), size)),
  ]);
  const all: (readonly [kind: string, pictures: readonly Uint8Array[]])[] = [
    ...[...kinds].map(([kind, own]) => [`= ${kind}`, own] as const),
    ...(await unlikePictures(count, sprites, values.photographs)),
  ];
  const measured: (readonly [string, Scores[]])[] = [];
  for (const [kind, own] of all) measured.push([kind, await measure(own, captioned)]);

  const column = (scores: readonly Scores[], name: string) => scores.flatMap(own => own[name] ?? []);
  const names = [...new Set([...timesteps.map(t => `restored, t = ${t}`), ...Object.keys(heldOut[0]!)])];
  for (const name of names) {
    const like = column(heldOut, name);
    const threshold = thresholdOf(like);
    console.log(`\n## ${name}: ${like.length} held-out scenes, threshold ${threshold.toFixed(3)}\n`);
    console.log('| kind | n | AUC | told apart |\n| --- | --- | --- | --- |');
    for (const [kind, scores] of measured) {
      const own = column(scores, name);
      const { value, low, high } = wilson(own.filter(score => score < threshold).length, own.length);
      const [told, ...interval] = [value, low, high].map(share => (100 * share).toFixed(1));
      const area = areaUnderCurve(like, own).toFixed(3);
      console.log(`| ${kind} | ${own.length} | ${area} | ${told} % (${interval.join('–')}) |`);
    }
  }
  await Promise.all([networks.release(), model.release()]);
}
