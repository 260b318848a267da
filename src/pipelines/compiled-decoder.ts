/** A language model compiled for decoding: its two programs, and the sequences that they extend where they run. */
import type { HostTensor } from '../core/host-tensor.ts';
import {
  type CompileOptions,
  compile,
  createSequences,
  type Executable,
  type InputSpec,
  type RunOptions,
  type Sequence,
  type SequenceStore,
  type Sources,
} from '../engine/index.ts';
import type { CachedSequences, DecodingPrograms, NextToken, PrefixRow, TokenRow } from '../lm/index.ts';

export interface DecoderSpec<P> {
  readonly params: Sources<P>;
  /** A prefix without its batch axis; it takes the positions of its first axis. */
  readonly prefix: InputSpec & { readonly shape: readonly [number, ...number[]] };
  /** Positions that the model has. */
  readonly positions: number;
}

export class CompiledDecoder {
  readonly #prefill: Executable;
  readonly #step: Executable;
  readonly #sequences: SequenceStore;

  private constructor(prefill: Executable, step: Executable, sequences: SequenceStore) {
    this.#prefill = prefill;
    this.#step = step;
    this.#sequences = sequences;
  }

  static async create<P>(
    programs: DecodingPrograms<P>,
    { params, prefix, positions }: DecoderSpec<P>,
    options: CompileOptions,
  ): Promise<CompiledDecoder> {
    const sequences = createSequences(programs.layout, options);
    const [length] = prefix.shape;
    const named = (part: string) => ({ ...options, name: `${options.name ?? 'decoder'}-${part}` });
    const compiled = (part: 'prefill' | 'step', inputs: Record<string, InputSpec>, added: number) =>
      compile<P, undefined>(
        programs[part],
        { params, inputs, sequences, dimensions: { past: { max: positions - added } } },
        named(part),
      );
    const prefill = await compiled('prefill', { prefix: { ...prefix, shape: ['batch', ...prefix.shape] } }, length);
    const step = await compiled('step', { ids: { dtype: 'int32', shape: ['batch'] } }, 1);
    return new CompiledDecoder(prefill, step, sequences);
  }

  /** @param signal its abort drops all sequences that come of this */
  sequences(signal?: AbortSignal): CachedSequences<Sequence> {
    return {
      create: () => this.#sequences.create({ signal }),
      fork: sequence => this.#sequences.fork(sequence),
      drop: sequence => this.#sequences.drop(sequence),
      prefill: rows => this.prefill(rows),
      step: rows => this.step(rows),
    };
  }

  async prefill(rows: readonly PrefixRow<Sequence>[], options: RunOptions = {}): Promise<NextToken[]> {
    const given = rows.map(({ sequence, prefix }) => ({ sequence, inputs: { prefix } }));
    const outputs = await this.#prefill.extend(given, options);
    return outputs.map(nextToken);
  }

  async step(rows: readonly TokenRow<Sequence>[], options: RunOptions = {}): Promise<NextToken[]> {
    const inputs = ({ token }: TokenRow<Sequence>) => ({
      ids: { dtype: 'int32', shape: [], data: Int32Array.of(token) } as const,
    });
    const given = rows.map(row => ({ sequence: row.sequence, inputs: inputs(row) }));
    const outputs = await this.#step.extend(given, options);
    return outputs.map(nextToken);
  }

  async release(): Promise<void> {
    await Promise.all([this.#prefill.release(), this.#step.release()]);
    await this.#sequences.release();
  }
}

function nextToken({ logits, hidden }: Record<string, HostTensor>): NextToken {
  return {
    logits: logits!.data as Float32Array,
    ...(hidden && { hidden: hidden.data as Float32Array }),
  };
}
