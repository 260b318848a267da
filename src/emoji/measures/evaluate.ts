/**
 * Runs a model through all measures, seen and held-out scenes side by side, everything seeded.
 *
 * - text to image, image to text, round trip: scenes of each split, captions of all sentence forms (captions.ts);
 *   the round trip captions the pictures that text to image drew. PSNR is that of these pictures to the true renders.
 * - joint: each sample's picture against its own caption's render and 999 others; a caption that does not parse fails.
 * - marginals: an image-only sample counts when its distance to the nearest of all true renders (scene-index.ts) is at
 *   most the median distance of held-out renders to their nearest *other* render; a text-only sample when it parses.
 * - retrieval among pairs of different scenes; autoencoder: mean PSNR over renders.
 */

import { deriveSeed } from '../../core/random.ts';
import type { EvalModel } from '../../eval/model.ts';
import type { Figure } from '../../eval/report.ts';
import { pictureJudge } from '../judge/judge.ts';
import { sceneFeatures } from '../judge/scene-features.ts';
import { indexScenes } from '../judge/scene-index.ts';
import {
  autoencoder,
  diversityFigures,
  drawingPsnr,
  drawPictures,
  drawSamples,
  imageToText,
  joint,
  marginals,
  retrieval,
  roundTrip,
  textToImage,
} from './measures.ts';
import { bySplit, type EvaluateOptions, itemsOf, type MeasureName, measureNames, type Run } from './run.ts';

/**
 * Runs the measures and returns their figures in the order of the table.
 *
 * @example
 * const figures = await evaluate(model, { sprites: await loadSprites(64) });
 * console.log(markdownTable(figures));
 */
export async function evaluate(model: EvalModel, options: EvaluateOptions): Promise<Figure[]> {
  const { sprites, seed = 20_000, count = 500, measures = measureNames } = options;
  const run: Run = { model, options, seed, count };
  const wanted = (...names: MeasureName[]) => names.some(name => measures.includes(name));
  const items = await bySplit(async split => itemsOf(run, split, count, 0));
  const known = options.known ?? sceneFeatures(sprites);
  const judge = pictureJudge(known, deriveSeed(seed, 2));
  const index = indexScenes(known);
  const drawn = wanted('text-to-image', 'round-trip') ? await drawPictures(run, items) : undefined;
  const samples = wanted('joint', 'diversity') ? await drawSamples(run) : [];
  return [
    ...(drawn !== undefined && wanted('text-to-image')
      ? [...textToImage(drawn, items, judge), drawingPsnr(drawn, items)]
      : []),
    ...(wanted('image-to-text') ? await imageToText(run, items) : []),
    ...(wanted('joint') ? [joint(samples, judge)] : []),
    ...(wanted('marginals') ? await marginals(run, items.heldOut, index) : []),
    ...(drawn !== undefined && wanted('round-trip') ? await roundTrip(run, items, drawn) : []),
    ...(wanted('diversity') ? diversityFigures(run, samples, index) : []),
    ...(wanted('retrieval') ? await retrieval(run) : []),
    ...(wanted('autoencoder') ? [await autoencoder(run, items)] : []),
  ];
}
