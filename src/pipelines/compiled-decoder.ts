/** A language model compiled for decoding: its program, and the sequences that it extends where it runs. */
import type { BatchLimit } from '../batching/batch-limit.ts';
import type { BatchingDriver, CallOptions, RowsCall } from '../batching/batching-driver.ts';
import { DuetError } from '../core/errors.ts';
import type { HostTensor } from '../core/host-tensor.ts';
import {
  type CompileOptions,
  compile,
  createSequences,
  type Executable,
  type RunOptions,
  type Sequence,
  type SequenceStore,
  type Sources,
} from '../engine/index.ts';
import type { CachedSequences, DecodingProgram, ExtensionRow, NextToken } from '../lm/index.ts';

export interface DecoderSpec<P> {
  readonly params: Sources<P>;
  /** Positions that a sequence may have. */
  readonly positions: number;
}

type Row = ExtensionRow<Sequence>;

export class CompiledDecoder {
  readonly #program: Executable;
  readonly #sequences: SequenceStore;
  readonly #vectorWidth: number;
  readonly #readsInParts: boolean;
  readonly #positions: number;

  private constructor(
    program: Executable,
    sequences: SequenceStore,
    { vectorWidth, readsInParts }: Pick<DecodingProgram<unknown>, 'vectorWidth' | 'readsInParts'>,
    positions: number,
  ) {
    this.#program = program;
    this.#sequences = sequences;
    this.#vectorWidth = vectorWidth;
    this.#readsInParts = readsInParts;
    this.#positions = positions;
  }

  static async create<P>(
    { run, layout, vectorWidth, readsInParts }: DecodingProgram<P>,
    { params, positions }: DecoderSpec<P>,
    options: CompileOptions,
  ): Promise<CompiledDecoder> {
    const sequences = createSequences(layout, options);
    const inputs = {
      ids: { dtype: 'int32', shape: ['batch', 'length'] },
      ...(vectorWidth > 0 && { vectors: { dtype: 'float32', shape: ['batch', 'length', vectorWidth] } as const }),
    } as const;
    const dimensions = { length: { max: positions }, past: { max: positions - 1 } };
    const program = await compile<P, undefined>(
      run,
      { params, inputs, sequences, dimensions, ...(readsInParts && { positions: 'length' }) },
      { name: 'decoder', ...options },
    );
    return new CompiledDecoder(program, sequences, { vectorWidth, readsInParts }, positions);
  }

  /** @param signal its abort drops all sequences that come of this */
  sequences(signal?: AbortSignal): CachedSequences<Sequence> {
    return {
      readsInParts: this.#readsInParts,
      create: () => this.#sequences.create({ signal }),
      fork: sequence => this.#sequences.fork(sequence),
      drop: sequence => this.#sequences.drop(sequence),
      extend: rows => this.extend(rows),
    };
  }

  /** @throws DuetError 'invalid-argument' if a sequence would be longer than the model reads, and as `Executable.extend` */
  async extend(rows: readonly Row[], options: RunOptions = {}): Promise<NextToken[]> {
    const longest = Math.max(...rows.map(({ sequence, ids }) => sequence.length + ids.length));
    if (longest > this.#positions) {
      throw new DuetError('invalid-argument', `The model reads at most ${this.#positions} positions, got ${longest}`);
    }
    const given = rows.map(row => ({ sequence: row.sequence, inputs: this.#inputs(row) }));
    const wanted = rows.some(({ withHidden }) => withHidden) ? ['logits', 'hidden'] : ['logits'];
    const outputs = await this.#program.extend(given, { ...options, outputs: wanted });
    return outputs.map(nextToken);
  }

  async release(): Promise<void> {
    await this.#program.release();
    await this.#sequences.release();
  }

  #inputs({ ids, vectors }: Row): Record<string, HostTensor> {
    const width = this.#vectorWidth;
    const given: HostTensor = {
      dtype: 'float32',
      shape: [ids.length, width],
      data: vectors ?? new Float32Array(ids.length * width),
    };
    return {
      ids: { dtype: 'int32', shape: [ids.length], data: Int32Array.from(ids) },
      ...(width > 0 && { vectors: given }),
    };
  }
}

function nextToken({ logits, hidden }: Record<string, HostTensor>): NextToken {
  return {
    logits: logits!.data as Float32Array,
    ...(hidden && { hidden }),
  };
}

export interface SharedDecoderLimits {
  /** Most prompts, and most rows that grow by a token, in one call. */
  readonly prompts: BatchLimit | number;
  readonly rows: BatchLimit | number;
  /** Neighbouring rows of one request that stay in one call. @default 1 */
  readonly unit?: number;
}

/** A decoder whose calls are shared by all who decode at the same time, whatever the lengths of their sequences. */
export class SharedDecoder {
  readonly #decoder: CompiledDecoder;
  /** Reading prompts and adding single tokens are kinds of their own: the driver lets both have their share of the time. */
  readonly #prompts: RowsCall<Row, NextToken>;
  readonly #steps: RowsCall<Row, NextToken>;

  constructor(decoder: CompiledDecoder, driver: BatchingDriver, { prompts, rows, unit = 1 }: SharedDecoderLimits) {
    const extend = (some: readonly Row[], signal: AbortSignal) => decoder.extend(some, { signal });
    this.#decoder = decoder;
    this.#prompts = driver.batched(extend, { limit: prompts });
    this.#steps = driver.batched(extend, { limit: rows, unit });
  }

  /** Sequences of one call: its signal drops them, its priority is theirs. */
  sequences(options: CallOptions): CachedSequences<Sequence> {
    return {
      ...this.#decoder.sequences(options.signal),
      extend: rows => (rows.every(({ ids }) => ids.length === 1) ? this.#steps : this.#prompts)(rows, options),
    };
  }

  release(): Promise<void> {
    return this.#decoder.release();
  }
}
