/**
 * Text latents to captions: beam search over the caption decoder's GPT-2 with cached keys and values. The cache travels
 * with each call (it is small) and is reordered between steps as beams fork and die.
 */
import type { Tokenizer } from '../clip/index.ts';
import type { HostTensor, TensorSource } from '../core/host-tensor.ts';
import type { Tree } from '../core/tree.ts';
import { type CompileOptions, compile, type Executable, type InputSpec } from '../engine/index.ts';
import {
  beamSearch,
  type CaptionDecoderConfig,
  type CaptionDecoderParams,
  cacheFromNames,
  contentTokens,
  type DecodingQuery,
  decodePrefix,
  gpt2Prefill,
  gpt2Step,
  nameCache,
  runDecodings,
} from '../lm/index.ts';
import { bucketChunks, inBuckets, stackRows, unstackRows } from './batches.ts';
import type { CallOptions } from './networks.ts';

/** As in UniDiffuser (spec/unidiffuser, section 3.5). */
const beams = 5;
const prefixSizes = [1, 4, 12];
/** Rows of a step: all beams of as many captions. */
const stepSizes = prefixSizes.map(size => size * beams);

type CacheRow = Readonly<Record<string, Float32Array>>;

export class CaptionWriter {
  readonly #config: CaptionDecoderConfig;
  readonly #tokenizer: Tokenizer;
  readonly #prefill: Executable;
  readonly #step: Executable;

  private constructor(config: CaptionDecoderConfig, tokenizer: Tokenizer, prefill: Executable, step: Executable) {
    this.#config = config;
    this.#tokenizer = tokenizer;
    this.#prefill = prefill;
    this.#step = step;
  }

  static async create(
    config: CaptionDecoderConfig,
    params: Tree<TensorSource>,
    tokenizer: Tokenizer,
    options: CompileOptions,
  ): Promise<CaptionWriter> {
    const { gpt2, prefixLength, latentWidth } = config;
    const length = cacheLength(config);
    const prefill = await compile<CaptionDecoderParams, undefined>(
      ({ params, inputs }) => {
        const embeddings = decodePrefix(params, inputs['latent']!);
        const { logits, cache } = gpt2Prefill(params.gpt2, { embeddings }, gpt2, length);
        return { outputs: { logits, ...nameCache(cache) } };
      },
      { params, inputs: { latent: { dtype: 'float32', shape: ['batch', prefixLength, latentWidth] } } },
      { ...options, name: 'caption-prefill' },
    );
    const column: InputSpec = { dtype: 'int32', shape: ['batch'] };
    const cacheSpec: InputSpec = { dtype: 'float32', shape: ['batch', length, gpt2.width] };
    const step = await compile<CaptionDecoderParams, undefined>(
      ({ params, inputs }) => {
        const cache = cacheFromNames(inputs, gpt2.layers);
        const next = gpt2Step(params.gpt2, { ids: inputs['ids']!, positions: inputs['positions']!, cache }, gpt2);
        return { outputs: { logits: next.logits, ...nameCache(next.cache) } };
      },
      {
        params,
        inputs: {
          ids: column,
          positions: column,
          ...Object.fromEntries(cacheNames(gpt2.layers).map(name => [name, cacheSpec])),
        },
      },
      { ...options, name: 'caption-step' },
    );
    return new CaptionWriter(config, tokenizer, prefill, step);
  }

  /** The most likely caption of each latent [P, d] (not normalised). */
  async write(latents: readonly Float32Array[], options: CallOptions): Promise<string[]> {
    const captions: string[] = [];
    for (const { rows, count } of bucketChunks(latents, prefixSizes)) {
      captions.push(...(await this.#writeChunk(rows.slice(0, count), options)));
    }
    return captions;
  }

  async release(): Promise<void> {
    await Promise.all([this.#prefill.release(), this.#step.release()]);
  }

  async #writeChunk(latents: readonly Float32Array[], options: CallOptions): Promise<string[]> {
    const { endId } = this.#tokenizer;
    const maxTokens = cacheLength(this.#config) - this.#config.prefixLength;
    let cache: CacheRow[] = [];
    const nextLogits = async (query: DecodingQuery): Promise<Float32Array[]> => {
      const first = cache.length === 0;
      const answers = first
        ? await this.#readPrefixes(latents, options)
        : await this.#readTokens(
            query,
            query.parents.map(parent => cache[parent]!),
            options,
          );
      cache = answers.map(({ rest }) => rest);
      return answers.map(({ logits }) => logits);
    };
    const searches = latents.map(() => beamSearch({ beams, maxTokens, endId }));
    const found = await runDecodings(searches, nextLogits, options);
    return found.map(([best]) => this.#tokenizer.decode(best ? contentTokens(best, endId) : []));
  }

  #readPrefixes(latents: readonly Float32Array[], options: CallOptions): Promise<Answer[]> {
    const { prefixLength, latentWidth } = this.#config;
    return inBuckets(latents, prefixSizes, async rows => {
      return answersOf(await this.#prefill.run({ latent: stackRows(rows, [prefixLength, latentWidth]) }, options));
    });
  }

  #readTokens({ sequences }: DecodingQuery, cache: readonly CacheRow[], options: CallOptions): Promise<Answer[]> {
    const { prefixLength, gpt2 } = this.#config;
    const shape = [cacheLength(this.#config), gpt2.width];
    const rows = sequences.map((tokens, index) => ({ tokens, cache: cache[index]! }));
    return inBuckets(rows, stepSizes, async batch => {
      const ids = Int32Array.from(batch, ({ tokens }) => tokens.at(-1)!);
      const positions = Int32Array.from(batch, ({ tokens }) => prefixLength + tokens.length - 1);
      const caches = cacheNames(gpt2.layers).map(name => [
        name,
        stackRows(
          batch.map(row => row.cache[name]!),
          shape,
        ),
      ]);
      const column = (data: Int32Array): HostTensor => ({ dtype: 'int32', shape: [data.length], data });
      const inputs = { ids: column(ids), positions: column(positions), ...Object.fromEntries(caches) };
      return answersOf(await this.#step.run(inputs, options));
    });
  }
}

interface Answer {
  readonly logits: Float32Array;
  readonly rest: CacheRow;
}

/** Positions of a cache: the prefix and a caption of the same length, its end token included. */
function cacheLength({ prefixLength, gpt2 }: CaptionDecoderConfig): number {
  return Math.min(gpt2.positions, 2 * prefixLength);
}

function cacheNames(layers: number): string[] {
  return Array.from({ length: layers }, (_, layer) => [`key.${layer}`, `value.${layer}`]).flat();
}

function answersOf({ logits, ...rest }: Record<string, HostTensor>): Answer[] {
  const caches = Object.entries(rest).map(([name, tensor]) => [name, unstackRows(tensor)] as const);
  return unstackRows(logits!).map((row, index) => ({
    logits: row,
    rest: Object.fromEntries(caches.map(([name, rows]) => [name, rows[index]!])),
  }));
}
