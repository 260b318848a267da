/** The four networks of a model folder behind the pipeline's interface, compiled for a device. */
import { type AutoencoderParams, decode, encodeMoments } from '../autoencoder/index.ts';
import {
  type ClipParams,
  clipText,
  clipVision,
  createTokenizer,
  poolClassToken,
  projectImage,
  type Tokenizer,
} from '../clip/index.ts';
import { DuetError } from '../core/errors.ts';
import { type HostTensor, sizeOf, type TensorSource } from '../core/host-tensor.ts';
import type { Tree } from '../core/tree.ts';
import { type CompileOptions, compile, type Executable } from '../engine/index.ts';
import { fromNetwork, type Pixels, toNetwork } from '../image/index.ts';
import { type CaptionDecoderParams, type CaptionTemplate, encodePrefix, fillTemplate } from '../lm/index.ts';
import {
  type Evaluation,
  type ImageLatents,
  type KeptPart,
  type LatentShapes,
  type Prediction,
  stackEvaluations,
  unstackPredictions,
} from '../sampler/index.ts';
import { type UvitInputs, type UvitParams, uvit } from '../uvit/index.ts';
import { inBuckets, stackRows, unstackRows } from './batches.ts';
import { CaptionWriter } from './caption-writer.ts';
import type { ModelConfig } from './model-config.ts';
import type { Model } from './model-folder.ts';
import type { CallOptions, Networks } from './networks.ts';
import { denormaliseLatent, normaliseLatent } from './statistics.ts';

const codecSizes = [1, 2, 4, 8, 16];
/** Captions whose mean stands for one with gaps; neighbouring gaps take words this far apart. */
const fillings = 16;
const gapStride = 5;
/** A guided picture asks for 2 rows, a guided joint sample for 3. */
const predictSizes = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64];

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
  readonly encodeImage: Executable;
  readonly predict: Executable;
  readonly decodeImage: Executable;
  readonly captionWriter: CaptionWriter;
}

export class CompiledNetworks implements Networks {
  readonly shapes: LatentShapes;
  readonly tokenizer: Tokenizer;
  readonly #config: ModelConfig;
  readonly #executables: Executables;

  private constructor(config: ModelConfig, tokenizer: Tokenizer, executables: Executables) {
    this.shapes = latentShapes(config);
    this.tokenizer = tokenizer;
    this.#config = config;
    this.#executables = executables;
  }

  static async create(model: Model, options: CompileOptions): Promise<CompiledNetworks> {
    const tokenizer = createTokenizer(model.tokenizer);
    return new CompiledNetworks(model.config, tokenizer, await compileAll(model, tokenizer, options));
  }

  encodeTexts(texts: readonly string[], options: CallOptions): Promise<Float32Array[]> {
    const { textTokens, latents } = this.#config;
    return inBuckets(texts, codecSizes, async rows => {
      const ids = this.tokenizer.frameBatch(rows, textTokens);
      const { y } = await this.#executables.encodeText.run({ ids }, options);
      return unstackRows(y!).map(row => normaliseLatent(row, latents.text, 1));
    });
  }

  encodeImages(pictures: readonly Pixels[], options: CallOptions): Promise<ImageLatents[]> {
    const { latents } = this.#config;
    const plane = this.#plane;
    return inBuckets(pictures, codecSizes, async rows => {
      const outputs = await this.#executables.encodeImage.run({ pixels: toNetwork(rows) }, options);
      const c = unstackRows(outputs['c']!);
      return unstackRows(outputs['z']!).map((z, index) => ({
        z: normaliseLatent(z, latents.image, plane),
        c: normaliseLatent(c[index]!, latents.clip, 1),
      }));
    });
  }

  predict(evaluations: readonly Evaluation[], options: CallOptions): Promise<Prediction[]> {
    return inBuckets(evaluations, predictSizes, async rows => {
      const outputs = await this.#executables.predict.run({ ...stackEvaluations(rows, this.shapes) }, options);
      return unstackPredictions(outputs as Record<'image' | 'clipImage' | 'text', HostTensor>);
    });
  }

  decodeImages(latents: readonly Float32Array[], options: CallOptions): Promise<Pixels[]> {
    const { image } = this.#config.latents;
    return inBuckets(latents, codecSizes, async rows => {
      const z = rows.map(row => denormaliseLatent(row, image, this.#plane));
      const { pixels } = await this.#executables.decodeImage.run({ z: stackRows(z, this.shapes.z) }, options);
      return fromNetwork(pixels!);
    });
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
  async encodeTemplate(template: CaptionTemplate, options: CallOptions): Promise<KeptPart> {
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
      throw new DuetError('invalid-argument', `The caption is too long: the model reads ${positions - 2} tokens`);
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
    await Promise.all(Object.values(this.#executables).map(executable => executable.release()));
  }

  get #plane(): number {
    return sizeOf(this.shapes.z.slice(1));
  }
}

async function compileAll(
  { config, weights }: Model,
  tokenizer: Tokenizer,
  options: CompileOptions,
): Promise<Executables> {
  const { imageSize, textTokens } = config;
  const shapes = latentShapes(config);
  const float = (shape: readonly number[]) => ({ dtype: 'float32', shape: ['batch', ...shape] }) as const;
  const encodeText = await compile<Pick<ClipParams, 'text'> & Pick<CaptionDecoderParams, 'encodePrefix'>, undefined>(
    ({ params, inputs }) => {
      const states = clipText(params.text, { ids: inputs['ids']! }, config.clip.text);
      return { outputs: { y: encodePrefix(params, states) } };
    },
    {
      params: { text: branch(weights.clip, 'text'), encodePrefix: branch(weights.captionDecoder, 'encodePrefix') },
      inputs: { ids: { dtype: 'int32', shape: ['batch', textTokens] } },
    },
    { ...options, name: 'encode-text' },
  );
  const encodeImage = await compile<{ autoencoder: AutoencoderParams } & Pick<ClipParams, 'vision'>, undefined>(
    ({ params, inputs }) => {
      const pixels = inputs['pixels']!;
      const { mean } = encodeMoments(params.autoencoder, pixels, config.autoencoder);
      const { vision } = params;
      const states = clipVision(vision, pixels, config.clip.vision);
      return { outputs: { z: mean, c: projectImage(vision, poolClassToken(vision, states, config.clip.vision)) } };
    },
    {
      params: { autoencoder: weights.autoencoder, vision: branch(weights.clip, 'vision') },
      inputs: { pixels: float([3, imageSize, imageSize]) },
    },
    { ...options, name: 'encode-image' },
  );
  const predict = await compile<UvitParams, undefined>(
    ({ params, inputs }) => ({ outputs: { ...uvit(params, inputs as unknown as UvitInputs, config.uvit) } }),
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
  const decodeImage = await compile<AutoencoderParams, undefined>(
    ({ params, inputs }) => ({ outputs: { pixels: decode(params, inputs['z']!, config.autoencoder) } }),
    { params: weights.autoencoder, inputs: { z: float(shapes.z) } },
    { ...options, name: 'decode-image' },
  );
  const captionWriter = await CaptionWriter.create(config.captionDecoder, weights.captionDecoder, tokenizer, options);
  return { encodeText, encodeImage, predict, decodeImage, captionWriter };
}

/** A part of a parameter tree, so that a program is given no more weights than it uses. */
function branch(tree: Tree<TensorSource>, key: string): Tree<TensorSource> | undefined {
  return (tree as Readonly<Record<string, Tree<TensorSource> | undefined>>)[key];
}
