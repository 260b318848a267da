/**
 * Text latents to captions: beam search over the caption decoder's GPT-2 with cached keys and values. Each caption is a
 * search of its own; the driver puts the steps of all that are being written, whatever their length so far, into one call.
 */

import type { BatchingDriver, CallOptions, RowsCall } from '../../../batching/batching-driver.ts';
import type { Tokenizer } from '../../../clip/index.ts';
import { DuetError } from '../../../core/errors.ts';
import { float32, type HostTensor } from '../../../core/host-tensor.ts';
import { type CompileOptions, compile, type Executable, type Sources } from '../../../engine/index.ts';
import {
  beamSearch,
  type CaptionDecoderConfig,
  type CaptionDecoderParams,
  type CaptionTemplate,
  cachedNextLogits,
  cachedPrograms,
  cachedRows,
  contentTokens,
  decodePrefix,
  fillTemplate,
  gapTokens,
  type NextRow,
  nextTokens,
  runDecoding,
  type StepRow,
  type TokenTemplate,
} from '../../../lm/index.ts';

/** As in UniDiffuser (spec/unidiffuser, section 3.5). */
const beams = 5;
/** A gap's word is judged by the words after it as well: enough must live to see them. */
const templateBeams = 20;
/** Captions in one call. */
const most = 16;

interface Networks {
  readonly prefill: Executable;
  readonly step: Executable;
}

export class CaptionWriter {
  readonly #config: CaptionDecoderConfig;
  readonly #tokenizer: Tokenizer;
  readonly #networks: Networks;
  readonly #prefill: RowsCall<HostTensor, NextRow>;
  readonly #step: RowsCall<StepRow, NextRow>;

  private constructor(config: CaptionDecoderConfig, tokenizer: Tokenizer, networks: Networks, driver: BatchingDriver) {
    this.#config = config;
    this.#tokenizer = tokenizer;
    this.#networks = networks;
    const rows = cachedRows({
      prefill: inputs => networks.prefill.run(inputs),
      step: inputs => networks.step.run(inputs),
    });
    this.#prefill = driver.batched(rows.prefill, { limit: most });
    this.#step = driver.batched(rows.step, { limit: most * beams, unit: beams });
  }

  static async create(
    config: CaptionDecoderConfig,
    params: Sources<CaptionDecoderParams>,
    tokenizer: Tokenizer,
    driver: BatchingDriver,
    options: CompileOptions,
  ): Promise<CaptionWriter> {
    const { prefixLength, latentWidth } = config;
    const programs = cachedPrograms<CaptionDecoderParams>({
      config: config.gpt2,
      length: cacheLength(config),
      model: ({ gpt2 }) => gpt2,
      embed: decodePrefix,
    });
    const prefixInputs = { prefix: { dtype: 'float32', shape: ['batch', prefixLength, latentWidth] } } as const;
    const networks = {
      prefill: await compile(
        programs.prefill,
        { params, inputs: prefixInputs },
        { ...options, name: 'caption-prefill' },
      ),
      step: await compile(programs.step, { params, inputs: programs.stepInputs }, { ...options, name: 'caption-step' }),
    };
    return new CaptionWriter(config, tokenizer, networks, driver);
  }

  /** The most likely caption of each latent [P, d] (not normalised). */
  async write(latents: readonly Float32Array[], options: CallOptions): Promise<string[]> {
    const captions = await this.#search(latents, undefined, options);
    return captions.map(tokens => this.#tokenizer.decode(tokens));
  }

  /**
   * The most likely caption of each latent among those that fill the gaps of `template` with words that the model knows.
   * @throws DuetError 'invalid-argument' if it knows none, or if the caption is too long
   */
  async fill(latents: readonly Float32Array[], template: CaptionTemplate, options: CallOptions): Promise<string[]> {
    const tokens = tokenTemplate(template, this.#tokenizer, this.#maxTokens - 1);
    const captions = await this.#search(latents, tokens, options);
    return captions.map(caption => {
      const words = gapTokens(tokens, caption).map(gap => this.#tokenizer.decode(gap));
      return fillTemplate(template, words);
    });
  }

  async release(): Promise<void> {
    await Promise.all([this.#networks.prefill.release(), this.#networks.step.release()]);
  }

  get #maxTokens(): number {
    return cacheLength(this.#config) - this.#config.prefixLength;
  }

  /** The tokens of the best caption of each latent, of those that `template` allows. */
  #search(
    latents: readonly Float32Array[],
    template: TokenTemplate | undefined,
    options: CallOptions,
  ): Promise<number[][]> {
    const { endId } = this.#tokenizer;
    const { prefixLength, latentWidth } = this.#config;
    const allowed = template && ((tokens: readonly number[]) => nextTokens(template, tokens));
    const rows = {
      prefill: (prefixes: readonly HostTensor[]) => this.#prefill(prefixes, options),
      step: (continued: readonly StepRow[]) => this.#step(continued, options),
    };
    const searchOne = async (latent: Float32Array): Promise<number[]> => {
      const search = beamSearch({
        beams: template ? templateBeams : beams,
        maxTokens: this.#maxTokens,
        endId,
        ...(allowed && { allowed }),
      });
      const prefix = float32([prefixLength, latentWidth], latent);
      const [best] = await runDecoding(search, cachedNextLogits(rows, [prefix], prefixLength), options);
      return best ? contentTokens(best, endId) : [];
    };
    return Promise.all(latents.map(searchOne));
  }
}

/** `template` for a caption of at most `longest` tokens. */
function tokenTemplate(template: CaptionTemplate, tokenizer: Tokenizer, longest: number): TokenTemplate {
  const words = (tokenizer.knownWords ?? []).map(word => tokenizer.encode(word));
  if (words.length === 0) {
    throw new DuetError('invalid-argument', 'This model does not say which words it knows, so it cannot fill gaps');
  }
  const texts = template.map(text => tokenizer.encode(text));
  const room = (longest - texts.flat().length) / (template.length - 1);
  const fitting = words.filter(word => word.length <= room);
  if (fitting.length > 0) return { texts, words: fitting, endId: tokenizer.endId };
  throw new DuetError('invalid-argument', `The caption is too long: the model writes at most ${longest} tokens`);
}

/** Positions of a cache: the prefix and a caption of the same length, its end token included. */
function cacheLength({ prefixLength, gpt2 }: CaptionDecoderConfig): number {
  return Math.min(gpt2.positions, 2 * prefixLength);
}
