/**
 * UniDiffuser as a user sees it: seven ways to sample pictures and captions from one model (Bao et al., arXiv 2303.06555).
 * Each call encodes what is given, starts one sampling run per sample, answers all their questions together and decodes.
 */
import { DuetError } from '../core/errors.ts';
import { type DecodeOptions, decodeImage, type ImageInput, Picture, squareImage } from '../image/index.ts';
import type { Mode, SampleLatents } from '../sampler/index.ts';
import type { ModelConfig } from './model-config.ts';
import type { Networks } from './networks.ts';
import { parseRequest } from './requests.ts';
import { type GroupStep, sampleLatents } from './sample-latents.ts';
import type {
  AnySample,
  CaptionReport,
  CaptionSample,
  ImageSample,
  PairSample,
  Result,
  SamplingOptions,
} from './types.ts';

interface Input {
  readonly caption?: string;
  readonly picture?: ImageInput;
}

export interface UniDiffuserParts {
  readonly config: Pick<ModelConfig, 'name' | 'imageSize' | 'diffusion' | 'sampling'>;
  readonly networks: Networks;
  readonly inspectCaption: (text: string) => CaptionReport;
}

/** A loaded model. Get one from `Duet.load`; call `release` when done with it. */
export class UniDiffuser {
  readonly #parts: UniDiffuserParts;

  constructor(parts: UniDiffuserParts) {
    this.#parts = parts;
  }

  /** The model's name, such as `emoji`. */
  get name(): string {
    return this.#parts.config.name;
  }

  /** Side of the pictures in pixels. */
  get imageSize(): number {
    return this.#parts.config.imageSize;
  }

  /**
   * Pictures of a caption.
   * @example
   * const { samples } = await model.textToImage('an apple', { n: 4, seed: 1 });
   * await writeFile('apple.png', await samples[0].image.toPng());
   */
  async textToImage(caption: string, options: SamplingOptions = {}): Promise<Result<ImageSample>> {
    return this.#sample('t2i', { caption }, options, ({ seed, image }) => ({ seed, image: image! }));
  }

  /**
   * Captions of a picture: any common format, by path, URL, bytes or pixels; its central square is looked at.
   * @example
   * const { samples } = await model.imageToText('photo.jpg');
   * console.log(samples[0].caption);
   */
  async imageToText(
    picture: ImageInput,
    options: SamplingOptions & DecodeOptions = {},
  ): Promise<Result<CaptionSample>> {
    return this.#sample('i2t', { picture }, options, ({ seed, caption }) => ({ seed, caption: caption! }));
  }

  /** Pictures together with their captions, out of nothing. */
  async joint(options: SamplingOptions = {}): Promise<Result<PairSample>> {
    return this.#sample('joint', {}, options, toPair);
  }

  /** Pictures out of nothing. Guidance has no meaning here. */
  async image(options: SamplingOptions = {}): Promise<Result<ImageSample>> {
    return this.#sample('i', {}, options, ({ seed, image }) => ({ seed, image: image! }));
  }

  /** Captions out of nothing. Guidance has no meaning here. */
  async text(options: SamplingOptions = {}): Promise<Result<CaptionSample>> {
    return this.#sample('t', {}, options, ({ seed, caption }) => ({ seed, caption: caption! }));
  }

  /** Variations of a picture, drawn from what the model says about it; that caption is in the sample too. */
  async vary(picture: ImageInput, options: SamplingOptions & DecodeOptions = {}): Promise<Result<PairSample>> {
    return this.#sample('i2t2i', { picture }, options, toPair);
  }

  /** A caption in other words, by way of a picture drawn from it; that picture is in the sample too. */
  async rephrase(caption: string, options: SamplingOptions = {}): Promise<Result<PairSample>> {
    return this.#sample('t2i2t', { caption }, options, toPair);
  }

  /** What the model will make of a caption's words, without running anything. */
  inspectCaption(text: string): CaptionReport {
    return this.#parts.inspectCaption(text);
  }

  /** Frees sessions and weights; further calls throw. Idempotent. */
  async release(): Promise<void> {
    await this.#parts.networks.release();
  }

  async #sample<S extends AnySample>(
    mode: Mode,
    input: Input,
    options: SamplingOptions & DecodeOptions,
    shape: (sample: AnySample) => S,
  ): Promise<Result<S>> {
    const { config, networks } = this.#parts;
    options.signal?.throwIfAborted();
    const { seeds, ...settings } = parseRequest(mode, options, config.sampling);
    const started = performance.now();
    const given = await this.#encode(input, options);
    const encoded = performance.now();
    const tasks = seeds.map(seed => ({ seed, given }));
    const latents = await sampleLatents(networks, config.diffusion, tasks, {
      ...settings,
      ...signalOf(options),
      ...(options.onProgress && { onStep: step => this.#report(step, options) }),
    });
    const sampled = performance.now();
    const samples = (await this.#decode(seeds, latents, options)).map(shape);
    const ended = performance.now();
    const timings = {
      encode: encoded - started,
      sample: sampled - encoded,
      decode: ended - sampled,
      total: ended - started,
    };
    const report = input.caption === undefined ? { unknownWords: [], cut: false } : this.inspectCaption(input.caption);
    return { mode, samples, timings, unknownWords: report.unknownWords, captionCut: report.cut };
  }

  async #encode({ caption, picture }: Input, options: DecodeOptions): Promise<SampleLatents> {
    const { networks, config } = this.#parts;
    if (caption !== undefined) {
      if (caption.trim() === '') throw new DuetError('invalid-argument', 'The caption is empty; give some words');
      const [text] = await networks.encodeTexts([caption], signalOf(options));
      return { text: text! };
    }
    if (picture === undefined) return {};
    const square = await squareImage(await decodeImage(picture, options), config.imageSize);
    const [image] = await networks.encodeImages([square], signalOf(options));
    return { image: image! };
  }

  async #report({ step, total, tasks, denoised }: GroupStep, options: SamplingOptions): Promise<void> {
    const { onProgress, previewEvery = 0 } = options;
    onProgress?.({ type: 'step-progress', step, total });
    if (previewEvery === 0 || step % previewEvery !== 0) return;
    const latents = denoised.flatMap(sample => (sample?.image ? [sample.image.z] : []));
    if (latents.length !== tasks.length) return; // no pictures in this stage
    const pictures = await this.#parts.networks.decodeImages(latents, signalOf(options));
    const images = pictures.map(picture => new Picture(picture));
    onProgress?.({ type: 'image-preview', step, seeds: tasks.map(({ seed }) => seed), images });
  }

  async #decode(
    seeds: readonly number[],
    latents: readonly SampleLatents[],
    options: SamplingOptions,
  ): Promise<AnySample[]> {
    const { networks } = this.#parts;
    const z = latents.flatMap(({ image }) => (image ? [image.z] : []));
    const y = latents.flatMap(({ text }) => (text ? [text] : []));
    const pictures = z.length > 0 ? await networks.decodeImages(z, signalOf(options)) : [];
    const captions = y.length > 0 ? await networks.decodeTexts(y, signalOf(options)) : [];
    return seeds.map((seed, index) => {
      const picture = pictures[index];
      const caption = captions[index];
      return { seed, ...(picture && { image: new Picture(picture) }), ...(caption !== undefined && { caption }) };
    });
  }
}

function toPair({ seed, image, caption }: AnySample): PairSample {
  return { seed, image: image!, caption: caption! };
}

function signalOf({ signal }: { readonly signal?: AbortSignal }): { signal?: AbortSignal } {
  return signal ? { signal } : {};
}
