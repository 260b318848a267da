/**
 * The U-Net and the autoencoder of a model folder alone, for contexts that another network makes. A context takes the place of
 * the text states [L, X] that the U-Net was trained with: L = `textTokens` vectors of the text tower's width X. None is masked:
 * all are attended to, and class features are the mean of all L, as in training, where the states behind a caption's end
 * counted too.
 */
import { downsamplingFactor } from '../../autoencoder/index.ts';
import { fixedLimit, MeasuredLimit } from '../../batching/batch-limit.ts';
import { BatchingDriver } from '../../batching/batching-driver.ts';
import { stackRows } from '../../core/rows.ts';
import type { Executable, RunOptions } from '../../engine/index.ts';
import { fromNetwork, type Pixels } from '../../image/index.ts';
import { createSchedule } from '../../sampler/index.ts';
import { type ContextDrawer, contextDrawer } from '../context-drawer.ts';
import type { LoadOptions } from '../family.ts';
import type { DrawingParts } from '../stable-diffusion/calls/draw.ts';
import type { SamplingRules } from '../stable-diffusion/calls/requests.ts';
import { bySize, mostArea } from '../stable-diffusion/networks/by-size.ts';
import type { LatentImage } from '../stable-diffusion/networks/networks.ts';
import { compileUnet } from '../stable-diffusion/networks/unet-programs.ts';
import { standards } from './calls/options.ts';
import { solverOf } from './calls/requests.ts';
import type { ModelConfig } from './model-config.ts';
import { type Model, readModelFolder } from './model-folder.ts';
import { compileImageDecoder } from './networks/encode-programs.ts';
import { denormaliseLatent } from './networks/normalise-latents.ts';
import type { ModelUnet } from './unet-config.ts';
import { uvitDrawing } from './uvit-drawing.ts';

/** Pictures that are decoded in one call, and evaluations of a guided picture, as in compiled-networks.ts. */
const codecBatch = 8;
const rowsOfPicture = 2;

/**
 * What draws from contexts of a model folder: its U-Net or, where it has none, its U-ViT.
 * @throws DuetError 'model-not-found' | 'invalid-config' | 'invalid-weights'
 */
export async function loadContextDrawer(folder: string, options: LoadOptions = {}): Promise<ContextDrawer> {
  options.signal?.throwIfAborted();
  const model = await readModelFolder(folder);
  const { unet } = model.config;
  if (!unet || !model.weights.unet) return uvitDrawing(model, options);
  return contextDrawer(await unetDrawing(model, { settings: unet, weights: model.weights.unet }, options));
}

interface UnetOfModel {
  readonly settings: ModelUnet;
  readonly weights: NonNullable<Model['weights']['unet']>;
}

async function unetDrawing(
  { config, weights }: Model,
  { settings: unet, weights: own }: UnetOfModel,
  { maxBatch, ...compileOptions }: LoadOptions,
): Promise<DrawingParts> {
  const { textTokens, autoencoder, imageSize, name } = config;
  const network = { config: unet.network, contextTokens: textTokens, weights: own };
  const programs = await compileUnet(network, compileOptions);
  const exact = { ...compileOptions, precision: 'fp32' } as const; // runs once for each picture
  const decoder = await compileImageDecoder(
    { config, weights },
    [autoencoder.latentChannels, 'height', 'width'],
    exact,
  );
  const driver = new BatchingDriver();
  const limit = maxBatch === undefined ? new MeasuredLimit() : fixedLimit(maxBatch);
  return {
    config: { name, imageSize, isInpainting: false, latentScale: { factor: 1, shift: 0 }, unet: unet.network },
    networks: {
      latentChannels: autoencoder.latentChannels,
      reduction: downsamplingFactor(autoencoder),
      predict: driver.batched((rows, signal) => programs.predict(rows, { signal }), { limit, unit: rowsOfPicture }),
      decodeImages: driver.batched((rows, signal) => decode(decoder, rows, config, { signal }), { limit: codecBatch }),
      release: async () => {
        driver.close();
        await Promise.all([programs.release(), decoder.release()]);
      },
    },
    textTokens,
    rulesOf: () => rulesOf(unet),
  };
}

/** Pictures of normalised latents of any sizes. */
function decode(
  decoder: Executable,
  rows: readonly LatentImage[],
  { autoencoder, latents }: ModelConfig,
  options: RunOptions,
): Promise<Pixels[]> {
  return bySize(
    rows,
    row => row,
    mostArea,
    async (own, { height, width }) => {
      const z = own.map(({ data }) => denormaliseLatent(data, latents.image, height * width));
      const { pixels } = await decoder.run({ z: stackRows(z, [autoencoder.latentChannels, height, width]) }, options);
      return fromNetwork(pixels!);
    },
  );
}

function rulesOf({ sampling, diffusion }: ModelUnet): SamplingRules {
  const { n, noiseSchedule: even, strength } = standards;
  const defaults = { n, strength, guidanceRescale: 0, solver: standards.solver, ...sampling };
  return {
    defaults,
    schedulerOf: ({ solver = defaults.solver, noiseSchedule = even }) => ({
      schedule: createSchedule(diffusion.schedule),
      prediction: diffusion.prediction,
      solver: solverOf({ solver, noiseSchedule }, diffusion),
    }),
  };
}
