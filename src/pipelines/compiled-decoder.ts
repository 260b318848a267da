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

/** What reads prompts, of models with an encoder. */
interface CompiledEncoder {
  readonly program: Executable;
  readonly startId: number;
}

interface DecoderParts extends Pick<DecodingProgram<unknown>, 'vectorWidth' | 'readsInParts'> {
  readonly program: Executable;
  readonly encoder: CompiledEncoder | undefined;
  readonly sequences: SequenceStore;
  readonly positions: number;
}

export class CompiledDecoder {
  readonly #parts: DecoderParts;
  /** Positions that an encoder has read, of each sequence. */
  readonly #prompts = new WeakMap<Sequence, number>();

  private constructor(parts: DecoderParts) {
    this.#parts = parts;
  }

  static async create<P>(
    { run, encoder, layout, vectorWidth, readsInParts }: DecodingProgram<P>,
    { params, positions }: DecoderSpec<P>,
    options: CompileOptions,
  ): Promise<CompiledDecoder> {
    const sequences = createSequences(layout, options);
    const inputs = {
      ids: { dtype: 'int32', shape: ['batch', 'length'] },
      ...(vectorWidth > 0 && { vectors: { dtype: 'float32', shape: ['batch', 'length', vectorWidth] } as const }),
    } as const;
    // Behind a prompt that is as long as can be stands the token that begins the answer.
    const most = encoder ? positions + 1 : positions;
    const spec = { params, sequences, dimensions: { length: { max: most }, past: { max: most - 1 } } };
    const lengths = encoder && { promptLengths: { dtype: 'int32', shape: ['batch'] } as const };
    const program = await compile<P, undefined>(
      run,
      { ...spec, inputs: { ...inputs, ...lengths }, ...(readsInParts && { positions: 'length' }) },
      { name: 'decoder', ...options },
    );
    const reading = encoder && {
      startId: encoder.startId,
      program: await compile<P, undefined>(encoder.run, { ...spec, inputs }, { name: 'encoder', ...options }),
    };
    const parts = { program, encoder: reading, sequences, vectorWidth, readsInParts, positions };
    return new CompiledDecoder(parts);
  }

  /** @param signal its abort drops all sequences that come of this */
  sequences(signal?: AbortSignal): CachedSequences<Sequence> {
    const { readsInParts, sequences } = this.#parts;
    return {
      readsInParts,
      create: () => sequences.create({ signal }),
      fork: sequence => this.#fork(sequence),
      drop: sequence => sequences.drop(sequence),
      extend: rows => this.extend(rows),
    };
  }

  /** @throws DuetError 'invalid-argument' if a sequence would be longer than the model reads, and as `Executable.extend` */
  async extend(rows: readonly Row[], options: RunOptions = {}): Promise<NextToken[]> {
    const { program, encoder, positions } = this.#parts;
    const started = encoder ? 1 : 0; // the token that begins an answer is none that anybody gave
    const lengthOf = ({ sequence, ids }: Row) => Math.max(sequence.length - started, 0) + ids.length;
    const longest = Math.max(...rows.map(lengthOf));
    if (longest > positions) {
      throw new DuetError('invalid-argument', `The model reads at most ${positions} positions, got ${longest}`);
    }
    const wanted = rows.some(({ withHidden }) => withHidden) ? ['logits', 'hidden'] : ['logits'];
    const steps = encoder ? await this.#read(rows, encoder, options) : rows;
    const given = steps.map(row => ({ sequence: row.sequence, inputs: this.#stepInputs(row) }));
    const outputs = await program.extend(given, { ...options, outputs: wanted });
    return outputs.map(nextToken);
  }

  async release(): Promise<void> {
    const { program, encoder, sequences } = this.#parts;
    await Promise.all([program.release(), encoder?.program.release()]);
    await sequences.release();
  }

  #fork(sequence: Sequence): Sequence {
    const other = this.#parts.sequences.fork(sequence);
    const prompt = this.#prompts.get(sequence);
    if (prompt !== undefined) this.#prompts.set(other, prompt);
    return other;
  }

  /** Lets the encoder read what begins a sequence; returns what is to be read by the decoder. */
  async #read(rows: readonly Row[], { program, startId }: CompiledEncoder, options: RunOptions): Promise<Row[]> {
    const prompts = rows.filter(({ sequence }) => sequence.length === 0);
    if (prompts.length > 0) {
      const given = prompts.map(row => ({ sequence: row.sequence, inputs: this.#inputs(row) }));
      await program.extend(given, options);
    }
    for (const { sequence, ids } of prompts) this.#prompts.set(sequence, ids.length);
    return rows.map(row => {
      if (!prompts.includes(row)) return row;
      const { sequence, withHidden } = row;
      return { sequence, ids: [startId], ...(withHidden !== undefined && { withHidden }) };
    });
  }

  #stepInputs(row: Row): Record<string, HostTensor> {
    const prompt = this.#prompts.get(row.sequence);
    if (prompt === undefined) return this.#inputs(row);
    return { ...this.#inputs(row), promptLengths: { dtype: 'int32', shape: [], data: Int32Array.of(prompt) } };
  }

  #inputs({ ids, vectors }: Row): Record<string, HostTensor> {
    const width = this.#parts.vectorWidth;
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
