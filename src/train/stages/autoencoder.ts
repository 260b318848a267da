/** Stage `autoencoder`: pictures to small latents and back. */
import { autoencoderSpec, downsamplingFactor } from '../../autoencoder/index.ts';
import { float32, type HostTensor } from '../../core/host-tensor.ts';
import { seededRandom } from '../../core/random.ts';
import { compile } from '../../engine/index.ts';
import { fromNetwork, pictureGrid } from '../../image/index.ts';
import { initialise } from '../../nn/params.ts';
import type { AutoencoderStage } from '../config.ts';
import { batchIndices, type PairSource, pictureBatch } from '../data/source.ts';
import { evaluationOf } from '../evaluation.ts';
import type { Stage } from '../loop.ts';
import { autoencoderObjective, autoencoderPreview } from '../objectives/autoencoder.ts';
import { randomStream } from '../random.ts';
import { openSource, openValidation, type StageContext } from './context.ts';

/** Pictures in the validation batch; half of them are shown. */
const shown = 32;

export async function autoencoderStage(config: AutoencoderStage, context: StageContext): Promise<Stage> {
  const source = await openSource(config.data, context);
  const validation = await openValidation(config.data, shown);
  const side = config.data.size / downsamplingFactor(config.model);
  const latent = [config.model.latentChannels, side, side] as const;
  const initialParams = initialise(autoencoderSpec(config.model), seededRandom(config.seed));
  // Latents that begin as mostly noise cost hundreds of steps before anything is reconstructed: begin with std e^-3.
  initialParams.quantConv.bias.data.fill(-6, config.model.latentChannels);
  const evaluation = evaluationOf(state =>
    compile(
      autoencoderPreview(config.model),
      { state, inputs: { pixels: { dtype: 'float32', shape: ['batch', 3, config.data.size, config.data.size] } } },
      { ...context.engine, name: 'evaluate-autoencoder' },
    ),
  );
  return {
    config,
    objective: autoencoderObjective(config, latent),
    initialParams,
    frozen: {},
    batch: async step => {
      const pixels = await pictureBatch(source, batchIndices(config.seed, step, config.batch, source.size));
      const { normal } = randomStream(config.seed, 'noise', step);
      const size = latent.reduce<number>((product, length) => product * length, config.batch);
      return { pixels, noise: float32([config.batch, ...latent], normal(size)) };
    },
    sample: async ema => {
      const pixels = await validationPixels(validation);
      const { reconstruction } = await (await evaluation.on(ema)).run({ pixels });
      const pairs = [pixels, reconstruction!].map(tensor => fromNetwork(tensor).slice(0, shown / 2));
      return {
        metrics: { heldOutPsnr: meanPsnr(pixels, reconstruction!) },
        picture: pictureGrid(
          pairs[0]!.flatMap((real, i) => [real, pairs[1]![i]!]),
          { columns: 8 },
        ),
      };
    },
    release: evaluation.release,
  };
}

function validationPixels(source: PairSource): Promise<HostTensor> {
  return pictureBatch(
    source,
    Array.from({ length: shown }, (_, i) => i % source.size),
  );
}

/** Peak signal-to-noise ratio in dB of pictures in [-1, 1], averaged over the batch. */
export function meanPsnr(truth: HostTensor, made: HostTensor): number {
  const count = truth.shape[0]!;
  const width = truth.data.length / count;
  let sum = 0;
  for (let row = 0; row < count; row++) {
    let squares = 0;
    for (let i = row * width; i < (row + 1) * width; i++) {
      squares += (Math.min(1, Math.max(-1, made.data[i]!)) - truth.data[i]!) ** 2;
    }
    sum += 10 * Math.log10(4 / Math.max(squares / width, 1e-10));
  }
  return sum / count;
}
