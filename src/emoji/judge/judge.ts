/**
 * Verdicts on pictures and captions without a learned judge: truth is known because scenes are rendered and captions
 * are parsed. "Right" means exactly the scene; "right object" means the same objects, whatever else differs.
 */

import { deriveSeed, seededRandom } from '../../core/random.ts';
import type { JointSample } from '../../eval/model.ts';
import { psnr } from '../../eval/statistics.ts';
import { parse } from '../scenes/parse.ts';
import { render } from '../scenes/render.ts';
import { objectsOf, type Scene, sameScene, sceneKey } from '../scenes/scene.ts';
import type { SpriteSheet } from '../scenes/sprites.ts';
import { candidatesFor, distractorPool } from './candidates.ts';
import type { SceneFeatures } from './scene-features.ts';
import type { SceneIndex } from './scene-index.ts';

/** What came of one item. */
export interface Verdict {
  readonly truth: Scene;
  /** The scene that was found in the answer; undefined when a caption could not be parsed. */
  readonly found: Scene | undefined;
  readonly right: boolean;
  readonly rightObject: boolean;
}

function verdict(truth: Scene, found: Scene | undefined): Verdict {
  const right = found !== undefined && sameScene(found, truth);
  const rightObject = found !== undefined && String(objectsOf(found)) === String(objectsOf(truth));
  return { truth, found, right, rightObject };
}

export interface PictureJudge {
  /** The nearest among the true render and 999 distractors; `index` seeds the choice of distractors. */
  judge(picture: Uint8Array, truth: Scene, index: number): Verdict;
}

/**
 * Judges pictures of known scenes: which of `total` true renders is nearest (features.ts), candidates.ts naming them.
 * Ties go against the picture.
 */
export function pictureJudge(known: SceneFeatures, seed: number, total = 1000): PictureJudge {
  const pool = distractorPool(seededRandom(seed), Math.ceil(total * 0.6));
  return {
    judge(picture, truth, index) {
      const features = known.of(picture);
      const candidates = candidatesFor(truth, pool, seededRandom(deriveSeed(seed, index)), total);
      let found = truth;
      let nearest = known.squaredDistance(features, truth);
      for (const scene of candidates.slice(1)) {
        const distance = known.squaredDistance(features, scene, nearest);
        if (distance > nearest) continue;
        [found, nearest] = [scene, distance];
      }
      return verdict(truth, found);
    },
  };
}

/** Judges a caption of a known scene: the scene that it says. */
export function judgeCaption(caption: string, truth: Scene): Verdict {
  return verdict(truth, parse(caption));
}

/** True when the picture of a joint sample is judged to show what its own caption says. */
export function agrees(sample: JointSample, judge: PictureJudge, index: number): boolean {
  const scene = parse(sample.caption);
  return scene !== undefined && judge.judge(sample.pixels, scene, index).right;
}

/** What joint samples cover. */
export interface Diversity {
  /** Different scenes among the captions that parse. */
  readonly captionScenes: number;
  /** Different scenes among the nearest true renders of the pictures. */
  readonly pictureScenes: number;
  /** Pictures that nearly copy a training render: at least 30 dB PSNR to the nearest one, which is not held out. */
  readonly nearCopies: number;
  /** Captions that say a held-out scene, which training never showed. */
  readonly novelCaptions: number;
}

/** Measures the diversity of joint samples; `heldOut` is the split's rule. */
export function diversity(
  samples: readonly JointSample[],
  sprites: SpriteSheet,
  index: SceneIndex,
  heldOut: (scene: Scene) => boolean,
): Diversity {
  const said = samples.map(sample => parse(sample.caption)).filter(scene => scene !== undefined);
  const shown = samples.map(sample => index.nearest(sample.pixels).scene);
  const copies = samples.filter((sample, i) => {
    const scene = shown[i] as Scene;
    return !heldOut(scene) && psnr(sample.pixels, render(scene, sprites)) >= 30;
  });
  return {
    captionScenes: new Set(said.map(sceneKey)).size,
    pictureScenes: new Set(shown.map(sceneKey)).size,
    nearCopies: copies.length,
    novelCaptions: said.filter(heldOut).length,
  };
}
