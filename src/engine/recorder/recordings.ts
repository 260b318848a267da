/** The recordings of one program: as few as its named dimensions allow. */
import { type DimensionSizes, dimensionNames, inputShapes } from '../dimensions.ts';
import type { CompileSpec, Program } from '../types.ts';
import { type Recording, record } from './record.ts';
import { recordSymbolic, type SymbolicRecording } from './symbolic.ts';

/** A recording for all sizes of some dimensions, with the sizes up to which it is known to be right. */
interface Symbolic {
  readonly recording: SymbolicRecording;
  confirmed: DimensionSizes;
}

export class Recordings<P, S> {
  readonly #name: string;
  readonly #program: Program<P, S>;
  readonly #spec: CompileSpec;
  /** Dimensions that one graph serves in all sizes, of {@link CompileSpec.inputs}; found out at the first run. */
  #dimensions: readonly string[] | undefined;
  /** By the sizes of the other dimensions; `undefined` where those make it impossible. */
  readonly #symbolic = new Map<string, Symbolic | undefined>();
  /** By all sizes. */
  readonly #fixed = new Map<string, Recording>();

  constructor(name: string, program: Program<P, S>, spec: CompileSpec) {
    this.#name = name;
    this.#program = program;
    this.#spec = spec;
  }

  /**
   * The recording that serves `sizes`, the same object for all sizes that it serves.
   * @throws what the program throws at sizes that it refuses
   */
  at(sizes: DimensionSizes): Recording {
    const known = this.#fixed.get(keyOf(sizes));
    if (known) return known;
    this.#dimensions ??= this.#findDimensions(sizes);
    const symbolic = this.#symbolicIn(this.#dimensions, sizes);
    if (symbolic && isConfirmed(symbolic, sizes, this.#spec)) return symbolic.recording;
    const recording = record(this.#name, this.#program, this.#spec, inputShapes(this.#spec.inputs, sizes));
    this.#fixed.set(keyOf(sizes), recording);
    return recording;
  }

  /** All named dimensions, or as many as the program allows. */
  #findDimensions(sizes: DimensionSizes): readonly string[] {
    // A program with state is a training step: its batch never changes, and its losses divide by it.
    if (this.#spec.state) return [];
    const names = dimensionNames(this.#spec.inputs);
    if (this.#symbolicIn(names, sizes)) return names;
    const found: string[] = [];
    for (const name of names) if (this.#symbolicIn([...found, name], sizes)) found.push(name);
    return found;
  }

  #symbolicIn(dimensions: readonly string[], sizes: DimensionSizes): Symbolic | undefined {
    const fixed = without(sizes, dimensions);
    const key = keyOf(fixed);
    if (!this.#symbolic.has(key)) {
      const recording = recordSymbolic(this.#name, this.#program, this.#spec, { dimensions, fixed });
      this.#symbolic.set(key, recording && { recording, confirmed: recording.largest });
    }
    return this.#symbolic.get(key);
  }
}

/**
 * Whether `symbolic` is right at `sizes`. A program may refuse sizes above some number (the length of its position table), so
 * those above all that it was recorded at are recorded once, at twice the size if it takes that.
 */
function isConfirmed(symbolic: Symbolic, sizes: DimensionSizes, { dimensions = {} }: CompileSpec): boolean {
  const { recording, confirmed } = symbolic;
  const above = Object.keys(confirmed).filter(name => sizes[name]! > confirmed[name]!);
  if (above.length === 0) return true;
  const reached = (factor: number) => {
    const grown = above.map(name => {
      const max = dimensions[name]?.max ?? Number.POSITIVE_INFINITY;
      return [name, factor * sizes[name]! <= max ? factor * sizes[name]! : sizes[name]!] as const;
    });
    return { ...confirmed, ...Object.fromEntries(grown) };
  };
  let grown = reached(2);
  let confirms: boolean;
  try {
    confirms = recording.confirms(grown);
  } catch {
    grown = reached(1);
    confirms = recording.confirms(grown);
  }
  if (confirms) symbolic.confirmed = grown;
  return confirms;
}

function keyOf(sizes: DimensionSizes): string {
  return JSON.stringify(Object.entries(sizes).sort());
}

function without(sizes: DimensionSizes, names: readonly string[]): DimensionSizes {
  return Object.fromEntries(Object.entries(sizes).filter(([name]) => !names.includes(name)));
}
