/** The three networks of a Stable Diffusion folder behind the pipeline's interface, compiled for a device. */
import * as tf from '@tensorflow/tfjs';
import { type AutoencoderParams, decode, encodeMoments, sampleLatent } from '../../../autoencoder/index.ts';
import { fixedLimit, MeasuredLimit } from '../../../batching/batch-limit.ts';
import { BatchingDriver, type RowsCall } from '../../../batching/batching-driver.ts';
import { createTokenizer, type Tokenizer } from '../../../clip/index.ts';
import type { HostTensor } from '../../../core/host-tensor.ts';
import { stackRows, unstackRows } from '../../../core/rows.ts';
import { type CompileOptions, compile, type Executable, type RunOptions } from '../../../engine/index.ts';
import { fromNetwork, type Pixels } from '../../../image/index.ts';
import type { Model } from '../model-folder.ts';
import { bySize, mostArea } from './by-size.ts';
import { availableBytes, decodingBytes } from './memory.ts';
import type { Evaluation, LatentDistribution, LatentImage, Networks, PictureValues } from './networks.ts';
import { compileTextStates } from './text-states.ts';
import { decodeTiled, type TileSizes } from './tiled-decoding.ts';
import { compileUnet, type UnetPrograms } from './unet-programs.ts';

/** Texts in one call. */
const textBatch = 16;
/** Evaluations of a guided picture. */
const rowsOfQuery = 2;
/** Share of the memory that is left which one decoding may take. */
const memoryShare = 0.5;
/** The smallest tile that pictures are decoded in, in latent pixels, and what is shared of any. */
const leastTile = 32;
const overlapShare = 0.25;

interface Executables {
  readonly encodeText: Executable;
  readonly encodeImage: Executable;
  readonly decodeImage: Executable;
  readonly unet: UnetPrograms;
}

export interface NetworksOptions extends CompileOptions {
  /** Most evaluations in one noise prediction. @default measured while predictions are made */
  readonly maxBatch?: number;
  /** Bytes that may be taken. @default what the system says is left */
  readonly availableMemory?: () => number;
}

/** Any number of calls may be made at the same time: they share network calls. */
export class CompiledNetworks implements Networks {
  readonly tokenizer: Tokenizer;
  readonly encodeTexts: RowsCall<string, Float32Array>;
  readonly encodeImages: RowsCall<PictureValues, LatentDistribution>;
  readonly predict: RowsCall<Evaluation, Float32Array>;
  readonly decodeImages: RowsCall<LatentImage, Pixels>;
  readonly #model: Model;
  readonly #executables: Executables;
  readonly #driver = new BatchingDriver();
  readonly #availableMemory: () => number;

  private constructor(model: Model, executables: Executables, { maxBatch, availableMemory }: NetworksOptions) {
    this.tokenizer = createTokenizer(model.tokenizer);
    this.#model = model;
    this.#executables = executables;
    this.#availableMemory = availableMemory ?? availableBytes;
    const driver = this.#driver;
    this.encodeTexts = driver.batched((rows, signal) => this.#encodeTexts(rows, { signal }), { limit: textBatch });
    this.encodeImages = driver.batched((rows, signal) => this.#encodeImages(rows, { signal }), { limit: 1 });
    this.decodeImages = driver.batched((rows, signal) => this.#decodeImages(rows, { signal }), { limit: 1 });
    const limit = maxBatch === undefined ? new MeasuredLimit() : fixedLimit(maxBatch);
    this.predict = driver.batched((rows, signal) => executables.unet.predict(rows, { signal }), {
      limit,
      unit: rowsOfQuery,
    });
  }

  static async create(model: Model, options: NetworksOptions): Promise<CompiledNetworks> {
    return new CompiledNetworks(model, await compileAll(model, options), options);
  }

  get latentChannels(): number {
    return this.#model.config.autoencoder.latentChannels;
  }

  get reduction(): number {
    return this.#model.config.reduction;
  }

  async release(): Promise<void> {
    this.#driver.close();
    await Promise.all(Object.values(this.#executables).map(executable => executable.release()));
  }

  async #encodeTexts(rows: readonly string[], options: RunOptions): Promise<Float32Array[]> {
    const ids = this.tokenizer.frameBatch(rows, this.#model.textTokens);
    const { states } = await this.#executables.encodeText.run({ ids }, options);
    return unstackRows(states!);
  }

  #encodeImages(rows: readonly PictureValues[], options: RunOptions): Promise<LatentDistribution[]> {
    const mostPixels = mostArea * this.reduction ** 2;
    const channels = this.#model.config.autoencoder.inChannels;
    return bySize(
      rows,
      row => row,
      mostPixels,
      async (pictures, { height, width }) => {
        const values = pictures.map(({ data }) => data);
        const pixels = stackRows(values, [channels, height, width]);
        const { mean, std } = await this.#executables.encodeImage.run({ pixels }, options);
        const deviations = unstackRows(std!);
        const size = { height: height / this.reduction, width: width / this.reduction };
        return unstackRows(mean!).map((data, index) => ({ mean: { data, ...size }, std: deviations[index]! }));
      },
    );
  }

  async #decodeImages(rows: readonly LatentImage[], options: RunOptions): Promise<Pixels[]> {
    const pictures: Pixels[] = [];
    for (const latent of rows) {
      const decodePart = ({ data, height, width }: LatentImage): Promise<HostTensor> =>
        this.#executables.decodeImage
          .run({ z: stackRows([data], [this.latentChannels, height, width]) }, options)
          .then(({ pixels }) => pixels!);
      const tiles = this.#tilesOf(latent);
      const values = tiles
        ? await decodeTiled(latent, this.latentChannels, tiles, decodePart)
        : await decodePart(latent);
      pictures.push(...fromNetwork(values));
    }
    return pictures;
  }

  /** The largest tiles that fit into memory; undefined if the whole latent does. */
  #tilesOf({ height, width }: LatentImage): TileSizes | undefined {
    const most = memoryShare * this.#availableMemory();
    const fits = (h: number, w: number) => decodingBytes(this.#model.config.autoencoder, h, w) <= most;
    if (fits(height, width)) return undefined;
    let tile = Math.max(height, width);
    while (tile > leastTile && !fits(tile, tile)) tile = Math.ceil(tile / 2);
    tile = Math.max(tile, leastTile);
    return { tile, overlap: Math.ceil(tile * overlapShare) };
  }
}

async function compileAll({ config, textTokens, weights }: Model, options: NetworksOptions): Promise<Executables> {
  /** Networks that run once for each sample, rather than at every step, are compiled for accuracy. */
  const exact: CompileOptions = { ...options, precision: 'fp32' };
  const encodeText = await compileTextStates(config.text, weights.text, textTokens, exact);
  const sides = { height: { multipleOf: config.reduction }, width: { multipleOf: config.reduction } };
  const encodeImage = await compile<AutoencoderParams, undefined>(
    ({ params, inputs }) => {
      const moments = encodeMoments(params, inputs['pixels']!, config.autoencoder);
      const std = sampleLatent({ ...moments, mean: tf.zerosLike(moments.mean) }, tf.onesLike(moments.mean));
      return { outputs: { mean: moments.mean, std } };
    },
    {
      params: weights.autoencoder,
      inputs: { pixels: { dtype: 'float32', shape: ['batch', config.autoencoder.inChannels, 'height', 'width'] } },
      dimensions: sides,
    },
    { ...exact, name: 'encode-image' },
  );
  const decodeImage = await compile<AutoencoderParams, undefined>(
    ({ params, inputs }) => ({ outputs: { pixels: decode(params, inputs['z']!, config.autoencoder) } }),
    {
      params: weights.autoencoder,
      inputs: { z: { dtype: 'float32', shape: ['batch', config.autoencoder.latentChannels, 'height', 'width'] } },
    },
    { ...exact, name: 'decode-image' },
  );
  const unet = await compileUnet({ config: config.unet, contextTokens: textTokens, weights: weights.unet }, options);
  return { encodeText, encodeImage, decodeImage, unet };
}
