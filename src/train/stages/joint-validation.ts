/**
 * Validation of the joint stage. The loss says little about samples, so some held-out scenes are drawn from their captions and
 * captioned from their pictures, by the model as a user would load it. A result counts as right when it is nearest to its
 * own scene among all of them, the same scene with another object included: chance is a half where no object is recognised.
 */
import type { HostTensor } from '../../core/host-tensor.ts';
import { type Pixels, pictureGrid } from '../../image/index.ts';
import type { Model } from '../../pipelines/unidiffuser/model-folder.ts';
import { CompiledNetworks } from '../../pipelines/unidiffuser/networks/compiled-networks.ts';
import type { ImageLatents } from '../../pipelines/unidiffuser/sampling/index.ts';
import { type SampleTask, sampleLatents } from '../../pipelines/unidiffuser/sampling/sample-latents.ts';
import { captionBatch } from '../data/source.ts';
import type { DataConfig } from '../data-config.ts';
import type { StageSample } from '../loop.ts';
import { openValidation, type StageContext } from './context.ts';

/** Number of validation scenes (fewer if there are fewer data) and sampling settings. */
const scenes = 64;
const steps = 12;
const guidance = { t2i: 2, i2t: 1.5 } as const;
/** Scenes in the picture. */
const shown = 32;

/** The true pictures, captions and latents, one entry per scene; latents are normalised. */
interface Truth {
  readonly pictures: readonly Pixels[];
  readonly images: readonly ImageLatents[];
  readonly texts: readonly Float32Array[];
}

/** Figures and a picture of a model, for the same scenes each time. */
export function jointValidation(
  data: DataConfig,
  context: StageContext,
): (model: Model<HostTensor>) => Promise<StageSample> {
  // For a folder its own training pairs are used, so the figures then measure how well they are memorised.
  const judged = data.source === 'scenes' ? 'heldOut' : 'seen';
  let truth: Truth | undefined;
  return async model => {
    const networks = await CompiledNetworks.create(model, { ...context.engine });
    try {
      truth ??= await encodeTruth(data, networks);
      const { pictures, images, texts } = truth;
      const sample = (mode: 't2i' | 'i2t', given: readonly SampleTask['given'][]) =>
        sampleLatents(
          networks,
          model.config.diffusion,
          given.map((own, seed) => ({ seed, given: own })),
          { mode, steps, guidance: guidance[mode], solver: { kind: 'dpm-multistep' } },
        );
      const drawn = await sample(
        't2i',
        texts.map(text => ({ text })),
      );
      const made = await networks.decodeImages(
        drawn.map(({ image }) => image!.z),
        {},
      );
      const described = await sample(
        'i2t',
        images.map(image => ({ image })),
      );
      const bytes = (picture: Pixels) => picture.data;
      return {
        metrics: {
          [`${judged}TextToImage`]: nearestIsOwn(made.map(bytes), pictures.map(bytes)),
          [`${judged}ImageToText`]: nearestIsOwn(
            described.map(({ text }) => text!),
            texts,
          ),
        },
        picture: pictureGrid(
          pictures.slice(0, shown).flatMap((real, i) => [real, made[i]!]),
          { columns: 8 },
        ),
      };
    } finally {
      await networks.release();
    }
  };
}

async function encodeTruth(data: DataConfig, networks: CompiledNetworks): Promise<Truth> {
  const source = await openValidation(data, scenes, { swaps: true });
  const indices = Array.from({ length: Math.min(scenes, source.size) }, (_, i) => i);
  const { side } = source;
  const pictures = await Promise.all(
    indices.map(async index => ({ width: side, height: side, data: await source.picture(index) })),
  );
  const [images, texts] = await Promise.all([
    networks.encodeImages(pictures, {}),
    networks.encodeTexts(captionBatch(source, indices, 0, 0), {}),
  ]);
  return { pictures, images, texts };
}

/** The fraction of rows of `made` whose nearest row of `truth` (squared distance) is their own. */
function nearestIsOwn(made: readonly ArrayLike<number>[], truth: readonly ArrayLike<number>[]): number {
  const own = made.filter((candidate, row) => {
    const distances = truth.map(other => squaredDistance(other, candidate));
    return distances.indexOf(Math.min(...distances)) === row;
  });
  return own.length / truth.length;
}

function squaredDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return sum;
}
