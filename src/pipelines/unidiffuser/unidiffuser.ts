/**
 * UniDiffuser as a user sees it: ten ways to sample pictures and captions from one model (Bao et al., arXiv 2303.06555).
 * Each call encodes what is given, starts one sampling run per sample, evaluates their requests in common network calls,
 * and decodes.
 */
import type { DecodeOptions, ImageInput } from '../../image/index.ts';
import type { AnySample, CallInputs, CaptionReport, Pipeline } from '../pipeline.ts';
import { gibbs } from './calls/gibbs.ts';
import { inpaint } from './calls/inpainting.ts';
import { interpolate } from './calls/interpolation.ts';
import { defaultsOf } from './calls/requests.ts';
import { runCall } from './calls/run.ts';
import { SamplingCall, type UniDiffuserParts } from './calls/sampling-call.ts';
import { textFirst } from './calls/text-first.ts';
import type {
  CallOptions,
  CaptionSample,
  GibbsOptions,
  ImageSample,
  ImagineOptions,
  InpaintInput,
  InpaintOptions,
  InterpolateOptions,
  PairInput,
  PairSample,
  Result,
  SamplingOptions,
  TextToImageOptions,
  VaryOptions,
} from './calls/types.ts';
import { vary } from './calls/variation.ts';
import type { Mode, SampleLatents } from './sampling/index.ts';

/** A loaded model. Get one from `Duet.load`; call `release` when done with it. */
export class UniDiffuser implements Pipeline {
  readonly family = 'unidiffuser';
  readonly #parts: UniDiffuserParts;

  /** @internal `Duet.load` makes models. */
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
   * Pictures of a caption, by the U-Net where the model has one that draws them.
   * @throws DuetError 'invalid-argument'
   * @example
   * const { samples } = await model.textToImage('an apple', { n: 4, seed: 1 });
   * await writeFile('apple.png', await samples[0].image.toPng());
   */
  async textToImage(caption: string, options: TextToImageOptions = {}): Promise<Result<ImageSample>> {
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

  /**
   * Pictures together with their captions, out of nothing.
   * @throws DuetError 'invalid-argument'
   */
  joint(options: ImagineOptions = {}): Promise<Result<PairSample>> {
    return this.#imagine('joint', options, toPair);
  }

  /**
   * Pictures out of nothing. Guidance has no meaning here, unless they are imagined text first.
   * @throws DuetError 'invalid-argument'
   */
  image(options: ImagineOptions = {}): Promise<Result<ImageSample>> {
    return this.#imagine('i', options, ({ seed, image }) => ({ seed, image: image! }));
  }

  /** Captions out of nothing. Guidance has no meaning here. */
  async text(options: SamplingOptions = {}): Promise<Result<CaptionSample>> {
    return this.#sample('t', {}, options, ({ seed, caption }) => ({ seed, caption: caption! }));
  }

  /**
   * Variations of a picture, drawn from the caption that the model gives it, or from a caption of yours; the caption is
   * in the sample too. Below strength 1 they start from the picture itself, and the less the strength, the more of it
   * stays.
   * @throws DuetError 'invalid-argument' | 'invalid-image'
   * @example const { samples } = await model.vary('cat.png', { strength: 0.5, caption: 'a white cat' });
   */
  vary(picture: ImageInput, options: VaryOptions = {}): Promise<Result<PairSample>> {
    return vary(this.#parts, picture, options);
  }

  /** A caption in other words, by way of a picture drawn from it; that picture is in the sample too. */
  async rephrase(caption: string, options: SamplingOptions = {}): Promise<Result<PairSample>> {
    return this.#sample('t2i2t', { caption }, options, toPair);
  }

  /**
   * Blocked Gibbs sampling from a caption, a picture, both or nothing: each is drawn again from the other, round after
   * round. The samples are the whole chain in order: the start made a pair, then the pair after each round; with n above
   * 1, one chain after the other.
   * @throws DuetError 'invalid-argument' | 'invalid-image'
   * @example
   * const { samples } = await model.gibbs({ caption: 'a cat' }, { rounds: 6, seed: 1 });
   * console.log(samples.map(({ caption }) => caption));
   */
  gibbs(start: PairInput = {}, options: GibbsOptions = {}): Promise<Result<PairSample>> {
    return gibbs(this.#parts, start, options);
  }

  /**
   * The way from one picture or caption to another. A picture is led back to its noise, under its caption (given, or
   * described by the model); noises and captions are interpolated along arcs and drawn by the U-ViT. The first and the last
   * frame are the reconstructions of the pictures, or what it draws of the captions with that seed. Where a picture is
   * an end, guidance is 1 and the solver ddim unless given: others reconstruct less well. With n above 1, one path after
   * the other.
   * @throws DuetError 'invalid-argument' | 'invalid-image'
   * @example
   * const { samples } = await model.interpolate({ picture: 'a.png' }, { picture: 'b.png' }, { frames: 12 });
   */
  interpolate(a: PairInput, b: PairInput, options: InterpolateOptions = {}): Promise<Result<PairSample>> {
    return interpolate(this.#parts, [a, b], options);
  }

  /**
   * Fills in what is missing: the masked part of a picture, the gaps of a caption, or both; the rest stays exactly as it is
   * (the picture at the model's size). A caption without gaps says what to paint; without a caption one is sampled along.
   * @throws DuetError 'invalid-argument' | 'invalid-image'
   * @example
   * await model.inpaint({ picture: 'cat.png', mask: 'mask.png', caption: 'a cat in a hat' });
   * const { samples } = await model.inpaint({ caption: 'a _ to the left of a dog' });
   */
  inpaint(input: InpaintInput, options: InpaintOptions = {}): Promise<Result<PairSample>> {
    return inpaint(this.#parts, input, options);
  }

  /**
   * Any of the calls by its mode, with inputs and options under the names of the API.
   * @throws DuetError 'invalid-argument' | 'invalid-image'
   * @example const { samples } = await model.run('t2i', { prompt: 'an apple' }, { n: 2 });
   */
  run(mode: string, inputs: CallInputs, options: CallOptions = {}): Promise<Result<AnySample>> {
    return runCall(this, mode, inputs, options);
  }

  /** What the model will make of a caption's words, without running anything. */
  inspectCaption(text: string): CaptionReport {
    return this.#parts.inspectCaption(text);
  }

  /** The words of the captions that it was trained on, in alphabetical order, if they are known. */
  get vocabulary(): readonly string[] {
    return this.#parts.vocabulary ?? [];
  }

  /** Frees sessions and weights; further calls throw. Idempotent. */
  async release(): Promise<void> {
    await this.#parts.networks.release();
  }

  async #sample<S extends AnySample>(
    mode: Mode,
    { caption, picture }: PairInput,
    options: SamplingOptions & DecodeOptions,
    shape: (sample: AnySample) => S,
  ): Promise<Result<S>> {
    const call = new SamplingCall(this.#parts, mode, options);
    const { network } = call.request;
    call.given(caption);
    const given: SampleLatents = {
      ...(caption !== undefined && { text: await call.encodeCaption(caption, network) }),
      ...(picture !== undefined && { image: (await call.encodePicture(picture)).latents }),
    };
    const tasks = call.request.seeds.map(seed => ({ seed, given }));
    call.planSteps(tasks, { mode, network });
    return call.resultOf(tasks, { mode, network }, async group => (await call.decode(group)).map(shape));
  }

  async #imagine<S extends AnySample>(
    mode: 'joint' | 'i',
    options: ImagineOptions,
    shape: (sample: AnySample) => S,
  ): Promise<Result<S>> {
    const { order } = defaultsOf(mode, this.#parts.config, options);
    return order === 'together' ? this.#sample(mode, {}, options, shape) : textFirst(this.#parts, mode, options, shape);
  }
}

function toPair({ seed, image, caption }: AnySample): PairSample {
  return { seed, image: image!, caption: caption! };
}
