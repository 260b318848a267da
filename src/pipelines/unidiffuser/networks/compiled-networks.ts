/** The networks of a model folder behind the pipeline's interface, compiled for a device. */
import { fixedLimit, MeasuredLimit } from '../../../batching/batch-limit.ts';
import type { CallOptions } from '../../../batching/batching-driver.ts';
import { BatchingDriver, type RowsCall } from '../../../batching/batching-driver.ts';
import { createTokenizer, frameTokens, type Tokenizer } from '../../../clip/index.ts';
import { DuetError } from '../../../core/errors.ts';
import { type HostTensor, sizeOf } from '../../../core/host-tensor.ts';
import { stackRows, unstackRows } from '../../../core/rows.ts';
import { type CompileOptions, compile, type Executable, type RunOptions } from '../../../engine/index.ts';
import { fromNetwork, type Pixels, toNetwork } from '../../../image/index.ts';
import { type CaptionTemplate, fillTemplate } from '../../../lm/index.ts';
import { type JointUvitInputs, type JointUvitParams, jointUvit } from '../../../uvit/index.ts';
import { compileTextStates } from '../../stable-diffusion/networks/text-states.ts';
import { compileUnet, type UnetPrograms } from '../../stable-diffusion/networks/unet-programs.ts';
import type { ModelConfig } from '../model-config.ts';
import type { Model } from '../model-folder.ts';
import {
  type Evaluation,
  type ImageLatents,
  type KnownPart,
  type LatentShapes,
  type Prediction,
  stackEvaluations,
  unstackPredictions,
} from '../sampling/index.ts';
import { CaptionWriter } from './caption-writer.ts';
import {
  compileImageDecoder,
  compileImageEncoder,
  compileStatesEncoder,
  compileTextEncoder,
} from './encode-programs.ts';
import type { Networks, UnetNetworks } from './networks.ts';
import { denormaliseLatent, normaliseLatent } from './normalise-latents.ts';

/** Pictures or captions that are encoded or decoded in one call: few, since denoising waits for the end of that call. */
const codecBatch = 8;
/** A guided picture takes 2 rows of a call, a guided joint sample 3. */
const rowsOfPicture = 2;
const rowsOfRequest = 3;
/** Captions whose mean stands for one with gaps; neighbouring gaps take words this far apart. */
const fillings = 16;
const gapStride = 5;

/** The latents of one sample of `config`: z [C, S, S], c [1, D], y [L, d]. */
function latentShapes({ uvit }: ModelConfig): LatentShapes {
  return {
    z: [uvit.latentChannels, uvit.latentSize, uvit.latentSize],
    c: [1, uvit.clipDim],
    y: [uvit.textTokens, uvit.textDim],
  };
}

interface Executables {
  readonly encodeText: Executable;
  readonly encodeStates: Executable;
  readonly encodeImage: Executable;
  readonly predict: Executable;
  readonly decodeImage: Executable;
  readonly captionWriter: CaptionWriter;
  readonly unet?: UnetPrograms;
  readonly textStates?: Executable;
}

export interface NetworksOptions extends CompileOptions {
  /** Most evaluations in one noise prediction. @default measured while predictions are made */
  readonly maxBatch?: number;
}

/** Any number of calls may be made at the same time: they share network calls. */
export class CompiledNetworks implements Networks {
  readonly shapes: LatentShapes;
  readonly tokenizer: Tokenizer;
  readonly encodeTexts: RowsCall<string, Float32Array>;
  readonly encodeStates: RowsCall<Float32Array, Float32Array>;
  readonly encodeImages: RowsCall<Pixels, ImageLatents>;
  readonly predict: RowsCall<Evaluation, Prediction>;
  readonly decodeImages: RowsCall<Float32Array, Pixels>;
  readonly unet?: UnetNetworks;
  readonly #config: ModelConfig;
  readonly #executables: Executables;
  readonly #driver: BatchingDriver;

  private constructor(
    config: ModelConfig,
    tokenizer: Tokenizer,
    executables: Executables,
    driver: BatchingDriver,
    { maxBatch }: NetworksOptions,
  ) {
    this.shapes = latentShapes(config);
    this.tokenizer = tokenizer;
    this.#config = config;
    this.#executables = executables;
    this.#driver = driver;
    this.encodeTexts = driver.batched((rows, signal) => this.#encodeTexts(rows, { signal }), { limit: codecBatch });
    this.encodeStates = driver.batched((rows, signal) => this.#encodeStates(rows, { signal }), { limit: codecBatch });
    this.encodeImages = driver.batched((rows, signal) => this.#encodeImages(rows, { signal }), { limit: codecBatch });
    this.decodeImages = driver.batched((rows, signal) => this.#decodeImages(rows, { signal }), { limit: codecBatch });
    const limit = () => (maxBatch === undefined ? new MeasuredLimit() : fixedLimit(maxBatch));
    this.predict = driver.batched((rows, signal) => this.#predict(rows, { signal }), {
      limit: limit(),
      unit: rowsOfRequest,
    });
    const { unet, textStates } = executables;
    if (unet && textStates) {
      this.unet = {
        encodeTexts: driver.batched((rows, signal) => this.#statesOf(textStates, rows, { signal }), {
          limit: codecBatch,
        }),
        predict: driver.batched((rows, signal) => unet.predict(rows, { signal }), {
          limit: limit(),
          unit: rowsOfPicture,
        }),
      };
    }
  }

  static async create(model: Model, options: NetworksOptions): Promise<CompiledNetworks> {
    const { maxBatch = 1 } = options;
    if (!Number.isSafeInteger(maxBatch) || maxBatch < 1) {
      throw new DuetError('invalid-argument', `maxBatch must be a whole number from 1 on, got ${maxBatch}`);
    }
    const tokenizer = createTokenizer(model.tokenizer);
    const driver = new BatchingDriver();
    const executables = await compileAll(model, tokenizer, driver, options);
    return new CompiledNetworks(model.config, tokenizer, executables, driver, options);
  }

  decodeTexts(latents: readonly Float32Array[], options: CallOptions): Promise<string[]> {
    const { text } = this.#config.latents;
    return this.#executables.captionWriter.write(
      latents.map(row => denormaliseLatent(row, text, 1)),
      options,
    );
  }

  /**
   * Each word's latent depends on the words before it, gaps included: it is the mean over captions that fill the gaps with
   * words from all over the vocabulary.
   */
  async encodeTemplate(template: CaptionTemplate, options: CallOptions): Promise<KnownPart> {
    const [positions = 0, width = 0] = this.shapes.y;
    const known = this.tokenizer.knownWords ?? [];
    const single = known.filter(word => this.tokenizer.encode(word).length === 1);
    const words = Array.from({ length: fillings }, (_, k) => single[Math.floor((k * single.length) / fillings)] ?? 'a');
    const filled = words.map((_, k) =>
      fillTemplate(
        template,
        template.slice(1).map((_text, gap) => words[(k + gap * gapStride) % fillings]!),
      ),
    );
    const latents = await this.encodeTexts(filled, options);
    const values = latents[0]!.map((_, i) => latents.reduce((sum, row) => sum + row[i]!, 0) / latents.length);
    const mask = new Uint8Array(positions * width);
    let position = 1; // after the start token
    for (const text of template) {
      const end = position + this.tokenizer.encode(text).length;
      mask.fill(1, position * width, end * width);
      position = end + 1;
    }
    if (position > positions) {
      throw new DuetError(
        'invalid-argument',
        `The caption is too long: the model reads ${positions - frameTokens} tokens`,
      );
    }
    return { values, mask };
  }

  fillTemplate(latents: readonly Float32Array[], template: CaptionTemplate, options: CallOptions): Promise<string[]> {
    const { text } = this.#config.latents;
    return this.#executables.captionWriter.fill(
      latents.map(row => denormaliseLatent(row, text, 1)),
      template,
      options,
    );
  }

  async release(): Promise<void> {
    this.#driver.close();
    await Promise.all(Object.values(this.#executables).map(executable => executable.release()));
  }

  async #encodeTexts(rows: readonly string[], options: RunOptions): Promise<Float32Array[]> {
    const { textTokens, latents } = this.#config;
    const ids = this.tokenizer.frameBatch(rows, textTokens);
    const { y } = await this.#executables.encodeText.run({ ids }, options);
    return unstackRows(y!).map(row => normaliseLatent(row, latents.text, 1));
  }

  async #encodeStates(rows: readonly Float32Array[], options: RunOptions): Promise<Float32Array[]> {
    const { textTokens, clip, latents } = this.#config;
    const { y } = await this.#executables.encodeStates.run(
      { states: stackRows(rows, [textTokens, clip.text.width]) },
      options,
    );
    return unstackRows(y!).map(row => normaliseLatent(row, latents.text, 1));
  }

  async #statesOf(executable: Executable, rows: readonly string[], options: RunOptions): Promise<Float32Array[]> {
    const ids = this.tokenizer.frameBatch(rows, this.#config.textTokens);
    const { states } = await executable.run({ ids }, options);
    return unstackRows(states!);
  }

  async #encodeImages(rows: readonly Pixels[], options: RunOptions): Promise<ImageLatents[]> {
    const { latents } = this.#config;
    const { mean, clip } = await this.#executables.encodeImage.run({ pixels: toNetwork(rows) }, options);
    const c = unstackRows(clip!);
    return unstackRows(mean!).map((z, index) => ({
      z: normaliseLatent(z, latents.image, this.#plane),
      c: normaliseLatent(c[index]!, latents.clip, 1),
    }));
  }

  async #predict(rows: readonly Evaluation[], options: RunOptions): Promise<Prediction[]> {
    const outputs = await this.#executables.predict.run({ ...stackEvaluations(rows, this.shapes) }, options);
    return unstackPredictions(outputs as Record<'image' | 'clipImage' | 'text', HostTensor>);
  }

  async #decodeImages(rows: readonly Float32Array[], options: RunOptions): Promise<Pixels[]> {
    const z = rows.map(row => denormaliseLatent(row, this.#config.latents.image, this.#plane));
    const { pixels } = await this.#executables.decodeImage.run({ z: stackRows(z, this.shapes.z) }, options);
    return fromNetwork(pixels!);
  }

  get #plane(): number {
    return sizeOf(this.shapes.z.slice(1));
  }
}

async function compileAll(
  { config, weights }: Model,
  tokenizer: Tokenizer,
  driver: BatchingDriver,
  options: CompileOptions,
): Promise<Executables> {
  const shapes = latentShapes(config);
  /** Networks that run once for each sample, rather than at every step, are compiled for accuracy. */
  const exact: CompileOptions = { ...options, precision: 'fp32' };
  const float = (shape: readonly number[]) => ({ dtype: 'float32', shape: ['batch', ...shape] }) as const;
  const encodeText = await compileTextEncoder({ config, weights }, exact);
  const encodeStates = await compileStatesEncoder({ config, weights }, exact);
  const encodeImage = await compileImageEncoder({ config, weights }, config.imageSize, exact);
  const predict = await compile<JointUvitParams, undefined>(
    ({ params, inputs }) => ({ outputs: { ...jointUvit(params, inputs as unknown as JointUvitInputs, config.uvit) } }),
    {
      params: weights.uvit,
      inputs: {
        image: float(shapes.z),
        clipImage: float(shapes.c),
        text: float(shapes.y),
        imageTime: float([]),
        textTime: float([]),
      },
    },
    { ...options, name: 'predict' },
  );
  const decodeImage = await compileImageDecoder({ config, weights }, shapes.z, exact);
  const { captionDecoder } = weights;
  const captionWriter = await CaptionWriter.create(config.captionDecoder, captionDecoder, tokenizer, driver, exact);
  return {
    encodeText,
    encodeStates,
    encodeImage,
    predict,
    decodeImage,
    captionWriter,
    ...(await compileUnetAndTexts({ config, weights }, options)),
  };
}

/** Nothing of models without a U-Net. */
async function compileUnetAndTexts(
  { config, weights }: Pick<Model, 'config' | 'weights'>,
  options: CompileOptions,
): Promise<Pick<Executables, 'unet' | 'textStates'>> {
  const { textTokens, clip } = config;
  if (!config.unet || !weights.unet) return {};
  const unet = { config: config.unet.network, contextTokens: textTokens, weights: weights.unet };
  return {
    unet: await compileUnet(unet, options),
    textStates: await compileTextStates(clip.text, weights.clip.text, textTokens, { ...options, precision: 'fp32' }),
  };
}
