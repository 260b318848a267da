/**
 * Text latents to captions: beam search over the caption decoder's GPT-2 with cached keys and values. Each caption is a
 * search of its own; the driver puts the steps of all that are being written, whatever their length so far, into one call.
 */

import type { BatchingDriver, CallOptions } from '../../../batching/batching-driver.ts';
import type { Tokenizer } from '../../../clip/index.ts';
import { DuetError } from '../../../core/errors.ts';
import type { CompileOptions, Sources } from '../../../engine/index.ts';
import {
  beamSearch,
  type CaptionDecoderConfig,
  type CaptionDecoderParams,
  type CaptionTemplate,
  contentTokens,
  decodeCached,
  decodePrefix,
  decodingProgram,
  fillTemplate,
  gapTokens,
  gpt2Model,
  nextTokens,
  type TokenTemplate,
} from '../../../lm/index.ts';
import { CompiledDecoder, SharedDecoder } from '../../compiled-decoder.ts';

/** The number of beams in UniDiffuser (docs/reference/unidiffuser.md, "Captions"). */
const beams = 5;
/** The words after a gap count for the choice of its word, so enough beams must be kept until those are decoded. */
const templateBeams = 20;
/** The largest number of captions in one call. */
const most = 16;

export class CaptionWriter {
  readonly #config: CaptionDecoderConfig;
  readonly #tokenizer: Tokenizer;
  readonly #decoder: SharedDecoder;

  private constructor(config: CaptionDecoderConfig, tokenizer: Tokenizer, decoder: SharedDecoder) {
    this.#config = config;
    this.#tokenizer = tokenizer;
    this.#decoder = decoder;
  }

  static async create(
    config: CaptionDecoderConfig,
    params: Sources<CaptionDecoderParams>,
    tokenizer: Tokenizer,
    driver: BatchingDriver,
    options: CompileOptions,
  ): Promise<CaptionWriter> {
    const { latentWidth, gpt2 } = config;
    const program = decodingProgram<CaptionDecoderParams, CaptionDecoderParams['gpt2']>({
      model: gpt2Model(gpt2),
      params: params => params.gpt2,
      vectors: { width: latentWidth, embed: decodePrefix },
    });
    const spec = { params, positions: gpt2.positions };
    const decoder = await CompiledDecoder.create(program, spec, { ...options, name: 'caption' });
    const limits = { prompts: most, rows: most * beams, unit: beams };
    return new CaptionWriter(config, tokenizer, new SharedDecoder(decoder, driver, limits));
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
    await this.#decoder.release();
  }

  get #maxTokens(): number {
    const { gpt2, prefixLength } = this.#config;
    // As many as a prefix has positions, if there are.
    return Math.min(gpt2.positions, 2 * prefixLength) - prefixLength;
  }

  /** The tokens of the best caption of each latent, of those that `template` allows. */
  #search(
    latents: readonly Float32Array[],
    template: TokenTemplate | undefined,
    options: CallOptions,
  ): Promise<number[][]> {
    const endIds = [this.#tokenizer.endId];
    const allowed = template && ((tokens: readonly number[]) => nextTokens(template, tokens));
    const sequences = this.#decoder.sequences(options);
    const ids = new Array<number>(this.#config.prefixLength).fill(-1);
    const searchOne = async (latent: Float32Array): Promise<number[]> => {
      const search = beamSearch({
        beams: template ? templateBeams : beams,
        maxTokens: this.#maxTokens,
        endIds,
        ...(allowed && { allowed }),
      });
      const [best] = await decodeCached(search, { ids, vectors: latent }, sequences, options);
      return best ? contentTokens(best, endIds) : [];
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
