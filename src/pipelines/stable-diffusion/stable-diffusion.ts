/**
 * Stable Diffusion as a user sees it: pictures from prompts, from pictures, and in parts of pictures (Rombach et al., arXiv
 * 2112.10752), from folders as the library diffusers writes them. The same seed, size and settings give the picture that
 * diffusers gives with a torch generator of that seed on the CPU; picture i of a call is that of seed + i.
 */
import type { ImageInput } from '../../image/index.ts';
import { checkCall } from '../call-table.ts';
import type { CallControls, CallInputs, CaptionReport, Pipeline } from '../pipeline.ts';
import { type DrawInputs, draw, type StableDiffusionParts } from './calls/draw.ts';
import { options as schemas } from './calls/options.ts';
import { valuesOf } from './calls/requests.ts';
import { calls, type StableDiffusionMode } from './calls/table.ts';
import type { DrawFromOptions, DrawOptions, DrawResult, PaintInput } from './calls/types.ts';

/** A loaded model. Get one from `Duet.load`; call `release` when done with it. */
export class StableDiffusion implements Pipeline {
  readonly family = 'stable-diffusion';
  readonly #parts: StableDiffusionParts;

  /** @internal `Duet.load` makes models. */
  constructor(parts: StableDiffusionParts) {
    this.#parts = parts;
  }

  /** The name of the model's folder. */
  get name(): string {
    return this.#parts.config.name;
  }

  /** Side of the pictures in pixels, where no size is asked for. */
  get imageSize(): number {
    return this.#parts.config.imageSize;
  }

  /**
   * Pictures of a prompt; an empty one is allowed. What is too long for the text encoder is cut, which the result tells.
   * @throws DuetError 'invalid-argument'
   * @example
   * const { samples } = await model.textToImage('a boat on the sea', { seed: 1, width: 512, height: 768 });
   */
  textToImage(prompt: string, options: DrawOptions = {}): Promise<DrawResult> {
    return this.#draw('t2i', { prompt }, options);
  }

  /**
   * A picture drawn anew from itself with some noise, as a prompt says: the less the `strength`, the more of it stays. It
   * keeps its size, in multiples of 8, unless it is large or a size is asked for.
   * @throws DuetError 'invalid-argument' | 'invalid-image'
   * @example const { samples } = await model.vary('sketch.png', { prompt: 'an oil painting', strength: 0.6 });
   */
  vary(picture: ImageInput, options: DrawFromOptions & { readonly prompt?: string } = {}): Promise<DrawResult> {
    const { prompt, ...own } = options;
    return this.#draw('i2t2i', { picture, prompt }, own);
  }

  /**
   * Part of a picture painted anew; the rest stays exactly as it is, at the size that is drawn.
   * @throws DuetError 'invalid-argument' | 'invalid-image'
   * @example await model.inpaint({ picture: 'room.png', mask: 'mask.png', prompt: 'a red sofa' });
   */
  inpaint({ picture, mask, prompt }: PaintInput, options: DrawFromOptions = {}): Promise<DrawResult> {
    return this.#draw('inpaint', { picture, mask, prompt }, options);
  }

  /**
   * Any of the calls by its mode, with inputs and options under the names of the API.
   * @throws DuetError 'invalid-argument' | 'invalid-image'
   */
  async run(mode: string, inputs: CallInputs, options: CallControls & DrawFromOptions = {}): Promise<DrawResult> {
    checkCall({ calls, options: schemas }, mode, inputs, valuesOf(options));
    const { prompt, image, mask } = inputs;
    return this.#draw(mode as StableDiffusionMode, { prompt, picture: image, mask }, options); // checkCall knows the mode
  }

  /** What the model will make of a prompt's words, without running anything. */
  inspectCaption(text: string): CaptionReport {
    return this.#parts.inspectCaption(text);
  }

  /** Frees sessions and weights; further calls throw. Idempotent. */
  async release(): Promise<void> {
    await this.#parts.networks.release();
  }

  async #draw(mode: StableDiffusionMode, inputs: DrawInputs, options: DrawFromOptions): Promise<DrawResult> {
    return draw(this.#parts, mode, inputs, options);
  }
}
