/**
 * One call of a model from its options to its result: what all kinds of calls do alike. A call checks its options, encodes
 * what is given, samples (in one pass or several), decodes, reports progress over all of it and measures the time.
 */

import { callOptions, type CallOptions as QueueOptions } from '../../../batching/batching-driver.ts';
import { DuetError } from '../../../core/errors.ts';
import type { Precision } from '../../../engine/index.ts';
import {
  type DecodeOptions,
  decodeImage,
  fetchIfRemote,
  type ImageInput,
  inDecodeSlot,
  Picture,
  type Pixels,
  squareImage,
} from '../../../image/index.ts';
import { checkText } from '../../call-table.ts';
import type { AnySample, CaptionReport } from '../../pipeline.ts';
import type { ModelConfig } from '../model-config.ts';
import type { Networks } from '../networks/networks.ts';
import {
  type ImageLatents,
  measureFamiliarity,
  type RunMode,
  type Sampled,
  type SampleLatents,
} from '../sampling/index.ts';
import type { GroupStep, SampledGroup, SampleTask } from '../sampling/sample-latents.ts';
import type { PassSettings } from '../sampling/sampler.ts';
import { samplerOf } from '../sampling/sampler-of.ts';
import type { NetworkChoice } from './options.ts';
import { type CallDefaults, parseRequest, type Request } from './requests.ts';
import type { CallMode } from './table.ts';
import type { CallOptions, Result } from './types.ts';

export interface UniDiffuserParts {
  readonly config: Pick<ModelConfig, 'name' | 'imageSize' | 'diffusion' | 'sampling' | 'familiarity' | 'unet'>;
  readonly networks: Networks;
  readonly precision: Precision;
  readonly inspectCaption: (text: string) => CaptionReport;
  /** The words of the captions that it was trained on, if they are known. */
  readonly vocabulary?: readonly string[];
}

/** The settings of one pass of sampling beyond those of the call. */
export type SamplingPass = Pick<PassSettings, 'rounds' | 'inversion' | 'known' | 'start' | 'onPairs'> & {
  readonly mode: RunMode;
  /** The U-Net makes the pass `t2i` alone. @default 'uvit' */
  readonly network?: NetworkChoice | undefined;
};

/** Latents in the order of the tasks that they are of. */
interface LatentsOfTasks {
  readonly tasks: readonly { readonly seed: number }[];
  readonly sampled: readonly SampleLatents[];
}

export interface EncodedPicture {
  /** The picture as the model sees it. */
  readonly square: Pixels;
  readonly latents: ImageLatents;
}

export class SamplingCall<M extends CallMode = CallMode> {
  readonly request: Request & { readonly mode: M };
  readonly networks: Networks;
  readonly #parts: UniDiffuserParts;
  readonly #options: CallOptions;
  readonly #started = performance.now();
  readonly #times = { encode: 0, sample: 0, decode: 0 };
  /** Of the pictures given, in dB. */
  readonly #familiarities: number[] = [];
  /** Places of samples that were reported before the call ended. */
  readonly #reported = new Set<number>();
  /** The captions that were given. */
  #captions: readonly string[] = [];
  readonly #negatives: Partial<Record<NetworkChoice, SampleLatents>> = {};
  /** Of the last pass. */
  #network: NetworkChoice = 'uvit';
  #steps = { done: 0, total: 0 };
  /** Milliseconds that were counted for some phase. */
  #measured = 0;

  /** Throws DuetError 'invalid-argument', or what the signal was aborted with. */
  constructor(parts: UniDiffuserParts, mode: M, options: CallOptions, defaults: CallDefaults = {}) {
    options.signal?.throwIfAborted();
    this.request = parseRequest(mode, options, parts.config, defaults);
    this.networks = parts.networks;
    this.#parts = parts;
    this.#options = options;
  }

  /** Options for reading the given pictures: size limits and the signal. */
  get options(): DecodeOptions {
    return this.#options;
  }

  get imageSize(): number {
    return this.#parts.config.imageSize;
  }

  /** Options for network calls. */
  get callOptions(): QueueOptions {
    return callOptions(this.#options);
  }

  /** The caption as the network takes it. */
  async encodeCaption(caption: string, network: NetworkChoice = 'uvit'): Promise<Float32Array> {
    checkText(caption, 'prompt');
    if (caption.trim() === '') {
      throw new DuetError('invalid-argument', 'The caption is empty; give some words', { field: 'prompt' });
    }
    const [text] = await this.encodeCaptions([caption], network);
    return text!;
  }

  /** Captions that were found on the way, as the network takes them. */
  encodeCaptions(captions: readonly string[], network: NetworkChoice = 'uvit'): Promise<Float32Array[]> {
    const encoder = network === 'unet' ? this.networks.unet! : this.networks; // the request sees to it
    return this.measure('encode', () => encoder.encodeTexts(captions, this.callOptions));
  }

  encodePicture(picture: ImageInput): Promise<EncodedPicture> {
    return this.measure('encode', async () => {
      const local = await fetchIfRemote(picture, this.#options);
      const square = await inDecodeSlot(async () =>
        squareImage(await decodeImage(local, this.#options), this.imageSize),
      );
      return { square, latents: await this.encodeSquare(square) };
    });
  }

  /**
   * The latents of a square picture of the model's size, whose familiarity is noted for the result.
   * @param counts the values of z that count for that, of its length. @default all
   */
  async encodeSquare(square: Pixels, counts?: Uint8Array): Promise<ImageLatents> {
    const [latents] = await this.networks.encodeImages([square], this.callOptions);
    const { familiarity, diffusion } = this.#parts.config;
    if (familiarity && (counts?.includes(1) ?? true)) {
      const options = { ...this.callOptions, ...(counts && { counts }) };
      this.#familiarities.push(
        await measureFamiliarity(this.networks, diffusion, latents!, familiarity.timestep, options),
      );
    }
    return latents!;
  }

  /** Adds the evaluations of coming tasks to the total of the progress, which is thus known from the start. */
  planSteps(tasks: readonly SampleTask[], pass: SamplingPass): void {
    const sampler = samplerOf(pass.network, this.#parts.config);
    this.#steps.total += sampler.count(tasks, this.#settingsOf(pass));
  }

  /** Latents of all `tasks`, which were passed to `planSteps` before. */
  async sample(tasks: readonly SampleTask[], pass: SamplingPass): Promise<Sampled[]> {
    const results: Sampled[] = [];
    for await (const { sampled } of this.#sampleGroups(tasks, pass)) results.push(...sampled);
    return results;
  }

  /** The captions that a pass samples of all `tasks`, which were passed to `planSteps` before. */
  async sampleCaptions(tasks: readonly SampleTask[], pass: SamplingPass): Promise<string[]> {
    const latents = (await this.sample(tasks, pass)).map(({ text }) => text!);
    return this.measure('decode', () => this.networks.decodeTexts(latents, this.callOptions));
  }

  /**
   * The result of the call from its last pass of sampling: `finish` makes samples of each group of `tasks`, which were
   * passed to `planSteps` before. Those of all groups but the last are reported as soon as they are finished.
   */
  async resultOf<S extends AnySample>(
    tasks: readonly SampleTask[],
    pass: SamplingPass,
    finish: (group: SampledGroup) => Promise<readonly S[]>,
  ): Promise<Result<S>> {
    const samples: S[] = [];
    for await (const group of this.#sampleGroups(tasks, pass)) {
      const made = await finish(group);
      const isLast = group.first + group.tasks.length === tasks.length;
      if (!isLast) this.report(new Map(made.map((sample, index) => [samples.length + index, sample])));
      samples.push(...made);
    }
    return this.#result(samples);
  }

  /** Reports finished samples by their places among those of the call, unless they were reported before. */
  report(made: ReadonlyMap<number, AnySample>): void {
    const fresh = [...made].filter(([index]) => !this.#reported.has(index));
    for (const [index] of fresh) this.#reported.add(index);
    if (fresh.length === 0) return;
    const result = this.#result(fresh.map(([, sample]) => sample));
    this.#options.onProgress?.({ type: 'samples-end', indices: fresh.map(([index]) => index), result });
  }

  async *#sampleGroups(tasks: readonly SampleTask[], pass: SamplingPass): AsyncGenerator<SampledGroup, void> {
    const { network = 'uvit' } = pass;
    this.#network = network;
    const negative = await this.#encodeNegative(network);
    const { onProgress } = this.#options;
    const before = this.#steps.done;
    const sampler = samplerOf(network, this.#parts.config);
    const settings: PassSettings = {
      ...this.#settingsOf(pass),
      ...(negative && { negative }),
      ...this.callOptions,
      ...(onProgress && { onStep: step => this.#reportStep(before, step, pass) }),
    };
    const groups = sampler.groups(this.networks, tasks, settings);
    for (;;) {
      const { done, value } = await this.measure('sample', () => groups.next());
      if (done) break;
      yield value;
    }
    this.#steps.done += sampler.count(tasks, settings);
  }

  /** One sample for each task. */
  decode({ tasks, sampled: latents }: LatentsOfTasks): Promise<AnySample[]> {
    return this.measure('decode', async () => {
      const z = latents.flatMap(({ image }) => (image ? [image.z] : []));
      const y = latents.flatMap(({ text }) => (text ? [text] : []));
      const { networks, callOptions } = this;
      const [pictures, captions] = await Promise.all([
        z.length > 0 ? networks.decodeImages(z, callOptions) : [],
        y.length > 0 ? networks.decodeTexts(y, callOptions) : [],
      ]);
      return tasks.map(({ seed }, index) => {
        const picture = pictures[index];
        const caption = captions[index];
        return { seed, ...(picture && { image: new Picture(picture) }), ...(caption !== undefined && { caption }) };
      });
    });
  }

  /** Notes the captions that were given, of whose words the result tells which the model does not know. */
  given(...captions: readonly (string | undefined)[]): void {
    this.#captions = captions.filter(caption => caption !== undefined);
  }

  #result<S extends AnySample>(samples: readonly S[]): Result<S> {
    const reports = this.#captions.map(caption => this.#parts.inspectCaption(caption));
    const { mode, steps, guidance, solver, noiseSchedule, order, network } = this.request;
    const { negativePrompt } = this.#options;
    const { config, precision } = this.#parts;
    return {
      mode,
      samples,
      settings: {
        model: config.name,
        steps,
        guidance,
        solver,
        ...(noiseSchedule !== 'uniform' && { noiseSchedule }),
        ...(negativePrompt !== undefined && { negativePrompt }),
        ...(order !== undefined && { order }),
        ...(network !== undefined && config.unet && { network: this.#network }),
        ...(precision !== 'fp32' && { precision }),
      },
      timings: { ...this.#times, total: performance.now() - this.#started },
      unknownWords: [...new Set(reports.flatMap(({ unknownWords }) => unknownWords))],
      captionCut: reports.some(({ cut }) => cut),
      ...this.#familiarity(),
    };
  }

  /** Runs `work` and counts its time as time for `phase`, except for the parts that `work` measures itself. */
  async measure<T>(phase: 'encode' | 'sample' | 'decode', work: () => Promise<T>): Promise<T> {
    const [before, measured] = [performance.now(), this.#measured];
    try {
      return await work();
    } finally {
      const own = performance.now() - before - (this.#measured - measured);
      this.#times[phase] += own;
      this.#measured += own;
    }
  }

  #settingsOf(pass: SamplingPass): PassSettings {
    const { steps, guidance, solver, noiseSchedule } = this.request;
    return { steps, guidance, solver, noiseSchedule, ...pass };
  }

  /** Of the least familiar picture given. */
  #familiarity(): Pick<Result<never>, 'familiarity' | 'isFamiliar'> {
    const limits = this.#parts.config.familiarity;
    if (!limits || this.#familiarities.length === 0) return {};
    const familiarity = Math.min(...this.#familiarities);
    return { familiarity, isFamiliar: familiarity >= limits.threshold };
  }

  async #encodeNegative(network: NetworkChoice): Promise<SampleLatents | undefined> {
    const { negativePrompt = '' } = this.#options;
    if (negativePrompt.trim() === '') return undefined;
    this.#negatives[network] ??= { text: await this.encodeCaption(negativePrompt, network) };
    return this.#negatives[network];
  }

  async #reportStep(
    before: number,
    { step, first, tasks, denoised, finishedPairs }: GroupStep,
    { rounds }: SamplingPass,
  ): Promise<void> {
    const { onProgress, previewEvery = 0 } = this.#options;
    const done = before + step;
    onProgress?.({ type: 'step-progress', step: done, total: this.#steps.total });
    if (previewEvery === 0 || done % previewEvery !== 0) return;
    const latents = denoised.flatMap(sample => (sample?.image ? [sample.image.z] : []));
    if (latents.length !== tasks.length) return; // no pictures in this stage
    const pictures = await this.networks.decodeImages(latents, this.callOptions);
    const images = pictures.map(picture => new Picture(picture));
    const samplesPerTask = rounds === undefined ? 1 : rounds + 1;
    const indices = tasks.map((_, index) => (first + index) * samplesPerTask + finishedPairs);
    onProgress?.({ type: 'image-preview', step: done, seeds: tasks.map(({ seed }) => seed), images, indices });
  }
}
