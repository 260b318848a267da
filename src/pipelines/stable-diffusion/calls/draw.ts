/**
 * One call from its options to its result: texts and pictures become latents, each seed's picture is sampled from its own
 * noise, and latents become pictures.
 */
import { callOptions, type CallOptions as QueueOptions } from '../../../batching/batching-driver.ts';
import { DuetError } from '../../../core/errors.ts';
import type { Precision } from '../../../engine/index.ts';
import { composite, type ImageInput, type Mask, Picture, type Pixels, type Size } from '../../../image/index.ts';
import { createGenerator } from '../../../sampler/index.ts';
import { checkText } from '../../call-table.ts';
import type { CaptionReport, Timings } from '../../pipeline.ts';
import type { StableDiffusionConfig } from '../model-config.ts';
import type { LatentDistribution, Networks } from '../networks/networks.ts';
import type { DenoiseRequest } from '../sampling/denoise.ts';
import { type StepReport, sampleLatents } from '../sampling/sample-latents.ts';
import { latentMask, readGivenPicture, valuesOfPicture, withoutMasked } from './given-picture.ts';
import { parseRequest, type Request, type SamplingRules } from './requests.ts';
import type { StableDiffusionMode } from './table.ts';
import type { DrawFromOptions, DrawnSample, DrawOptions, DrawResult } from './types.ts';

/** What draws from contexts, wherever these come from. */
export interface DrawingParts {
  readonly config: Pick<StableDiffusionConfig, 'name' | 'imageSize' | 'isInpainting' | 'latentScale' | 'unet'>;
  readonly networks: Pick<Networks, 'latentChannels' | 'reduction' | 'predict' | 'decodeImages'>;
  /** Vectors of the context that the U-Net looks at. */
  readonly textTokens: number;
  /** How a call of this mode samples. */
  readonly rulesOf: (mode: StableDiffusionMode) => SamplingRules;
}

export interface StableDiffusionParts extends DrawingParts {
  readonly config: StableDiffusionConfig;
  readonly networks: Networks;
  readonly precision: Precision;
  readonly inspectCaption: (text: string) => CaptionReport;
}

export interface DrawInputs {
  readonly prompt?: string | undefined;
  readonly picture?: ImageInput | undefined;
  readonly mask?: ImageInput | undefined;
}

/** What is drawn from, encoded. */
interface Given {
  readonly size: Size;
  readonly picture?: Pixels;
  readonly mask?: Mask;
  readonly distribution?: LatentDistribution;
  /** Of a network that is told of the mask. */
  readonly masked?: LatentDistribution;
}

/** @throws DuetError 'invalid-argument' | 'invalid-image' */
export async function draw(
  parts: StableDiffusionParts,
  mode: StableDiffusionMode,
  inputs: DrawInputs,
  options: DrawFromOptions,
): Promise<DrawResult> {
  options.signal?.throwIfAborted();
  const request = parseRequest(mode, options, parts.rulesOf(mode));
  const call = new DrawCall(parts, request, options);
  const { prompt = '' } = inputs;
  const texts = [prompt, options.negativePrompt ?? ''];
  checkText(prompt, 'prompt'); // the negative prompt is an option, checked like all
  const given = await call.measure('encode', () => readGiven(parts, request, { mode, ...inputs }, options));
  const [context, negative] = await call.measure('encode', () => parts.networks.encodeTexts(texts, call.queue));
  const requests = request.seeds.map(seed => call.requestOf(seed, given, context!, negative!));
  const latents = await call.measure('sample', () =>
    sampleLatents(parts.networks, requests, { ...call.queue, onStep: step => call.report(step, given) }),
  );
  const pictures = await call.measure('decode', () => call.decode(latents, given));
  const samples = request.seeds.map((seed, index) => ({ seed, image: pictures[index]! }));
  const reports = texts.filter(text => text !== '').map(parts.inspectCaption);
  const { steps, guidance, solver, noiseSchedule, strength, guidanceRescale } = request;
  return {
    mode,
    samples,
    settings: {
      model: parts.config.name,
      steps,
      guidance,
      solver,
      ...(noiseSchedule && { noiseSchedule }),
      ...given.size,
      ...(options.negativePrompt !== undefined && { negativePrompt: options.negativePrompt }),
      ...(mode !== 't2i' && { strength }),
      ...(guidanceRescale !== 0 && { guidanceRescale }),
      ...(parts.precision !== 'fp32' && { precision: parts.precision }),
    },
    timings: call.timings,
    unknownWords: [],
    captionCut: reports.some(({ cut }) => cut),
  };
}

/** What the U-Net looks at, [L, X] each: in place of a prompt, and of the negative prompt. */
export interface Contexts {
  readonly context: Float32Array;
  readonly negative: Float32Array;
}

/**
 * Pictures of contexts that do not come from this model's text encoder, one for each seed.
 * @throws DuetError 'invalid-argument'
 */
export async function drawContexts(
  parts: DrawingParts,
  { context, negative }: Contexts,
  options: DrawOptions,
): Promise<DrawnSample[]> {
  options.signal?.throwIfAborted();
  const request = parseRequest('t2i', options, parts.rulesOf('t2i'));
  const call = new DrawCall(parts, request, options);
  const given = sizeGiven(parts.config, request);
  const requests = request.seeds.map(seed => call.requestOf(seed, given, context, negative));
  const latents = await sampleLatents(parts.networks, requests, {
    ...call.queue,
    onStep: step => call.report(step, given),
  });
  const pictures = await call.decode(latents, given);
  return request.seeds.map((seed, index) => ({ seed, image: pictures[index]! }));
}

class DrawCall {
  readonly #parts: DrawingParts;
  readonly #request: Request;
  readonly #options: DrawOptions;
  readonly #started = performance.now();
  readonly #times = { encode: 0, sample: 0, decode: 0 };

  constructor(parts: DrawingParts, request: Request, options: DrawOptions) {
    this.#parts = parts;
    this.#request = request;
    this.#options = options;
  }

  /** Options for network calls. */
  get queue(): QueueOptions {
    return callOptions(this.#options);
  }

  get timings(): Timings {
    return { ...this.#times, total: performance.now() - this.#started };
  }

  async measure<T>(phase: 'encode' | 'sample' | 'decode', work: () => Promise<T>): Promise<T> {
    const before = performance.now();
    try {
      return await work();
    } finally {
      this.#times[phase] += performance.now() - before;
    }
  }

  requestOf(seed: number, given: Given, context: Float32Array, negative: Float32Array): DenoiseRequest {
    const { networks, config } = this.#parts;
    const { steps, guidance, guidanceRescale, scheduler, strength } = this.#request;
    const generator = createGenerator(seed);
    const { reduction, latentChannels: channels } = networks;
    const { size, mask, distribution, masked } = given;
    return {
      size: { channels, height: size.height / reduction, width: size.width / reduction },
      sampling: scheduler,
      steps,
      guidance,
      guidanceRescale,
      isDistilled: config.unet.guidanceWidth !== undefined,
      context,
      negative,
      draw: count => generator.randn(count),
      latentScale: config.latentScale,
      ...(distribution && { start: { given: { distribution }, strength } }),
      ...(mask && { mask: latentMask(mask, reduction) }),
      ...(masked && { masked: { distribution: masked } }),
    };
  }

  /** Pictures of scaled latents; what of a given picture is not painted anew stays as it is. */
  async decode(latents: readonly Float32Array[], { size, picture, mask }: Given): Promise<Picture[]> {
    const { networks, config } = this.#parts;
    const { factor, shift } = config.latentScale;
    const [height, width] = [size.height / networks.reduction, size.width / networks.reduction];
    const unscaled = latents.map(latent => ({ data: latent.map(value => value / factor + shift), height, width }));
    const decoded = await networks.decodeImages(unscaled, this.queue);
    return decoded.map(pixels => new Picture(picture && mask ? composite(picture, pixels, mask) : pixels));
  }

  async report({ step, total, pictures, denoised }: StepReport, given: Given): Promise<void> {
    const { onProgress, previewEvery = 0 } = this.#options;
    onProgress?.({ type: 'step-progress', step, total });
    if (previewEvery === 0 || step % previewEvery !== 0) return;
    const latents = denoised.flatMap(latent => (latent ? [latent] : []));
    if (latents.length !== pictures.length) return;
    const images = await this.decode(latents, given);
    const seeds = pictures.map(k => this.#request.seeds[k]!);
    onProgress?.({ type: 'image-preview', step, seeds, indices: pictures, images });
  }
}

/** Of calls that are given no picture. @throws DuetError 'invalid-argument' if the model does nothing without one */
function sizeGiven({ name, imageSize, isInpainting }: DrawingParts['config'], { width, height }: Request): Given {
  if (isInpainting) throw onlyPaints(name);
  return { size: { width: width ?? height ?? imageSize, height: height ?? width ?? imageSize } };
}

async function readGiven(
  { config, networks }: StableDiffusionParts,
  request: Request,
  { mode, picture, mask }: DrawInputs & { readonly mode: StableDiffusionMode },
  options: DrawFromOptions,
): Promise<Given> {
  const { imageSize, isInpainting } = config;
  const { width, height, strength } = request;
  if (mode === 't2i' || picture === undefined) return sizeGiven(config, request);
  if (mode === 'i2t2i' && isInpainting) throw onlyPaints(config.name);
  const rules = { multipleOf: networks.reduction, imageSize, width, height };
  const read = await readGivenPicture({ picture, mask }, mode === 'inpaint', rules, options);
  const size = { width: read.pixels.width, height: read.pixels.height };
  const values = valuesOfPicture(read.pixels);
  // At strength 1 a network that is told of the mask starts from noise alone.
  const needsWhole = !isInpainting || strength < 1;
  const asked = [
    ...(needsWhole ? [values] : []),
    ...(isInpainting && read.mask ? [withoutMasked(values, read.mask)] : []),
  ];
  const encoded = await networks.encodeImages(asked, callOptions(options));
  return {
    size,
    picture: read.pixels,
    ...(read.mask && { mask: read.mask }),
    ...(needsWhole && { distribution: encoded[0]! }),
    ...(isInpainting && { masked: encoded.at(-1)! }),
  };
}

function onlyPaints(name: string): DuetError {
  return new DuetError(
    'invalid-argument',
    `The model ${name} paints masked parts of pictures and nothing else; use the mode inpaint`,
    { field: 'mode' },
  );
}
