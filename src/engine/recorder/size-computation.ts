/** ONNX nodes that compute a recording's constants from the sizes of a run's named dimensions, as int64 until the last. */
import { type OnnxInitializer, type OnnxNode, typeCodes } from '../onnx/model.ts';
import { factorsOf, type SizePolynomial } from './size-polynomial.ts';

/** A named dimension and where a run shows its size. */
export interface SizeSource {
  readonly name: string;
  /** A graph input and the axis that has the size. */
  readonly input: string;
  readonly axis: number;
  /** The size is a multiple of this. */
  readonly multipleOf: number;
}

/** Collects the nodes; what two constants have in common is computed once. */
export class SizeComputation {
  readonly nodes: OnnxNode[] = [];
  readonly constants: OnnxInitializer[] = [];
  readonly #sources: readonly SizeSource[];
  readonly #known = new Set<string>();

  constructor(sources: readonly SizeSource[]) {
    this.#sources = sources;
  }

  /** Makes a constant of a recording, a number or a list of numbers, a computation of its entries. */
  define({ name, type, shape }: OnnxInitializer, entries: readonly SizePolynomial[]): void {
    const parts = entries.map(polynomial => this.#sum(polynomial));
    const whole = type === 'int64' ? name : `${name}/int64`;
    if (shape.length === 0) this.#emit('Squeeze', parts, whole);
    else this.#emit('Concat', parts, whole, { axis: 0 });
    if (whole !== name) this.#emit('Cast', [whole], name, { to: typeCodes[type] });
  }

  #sum(polynomial: SizePolynomial): string {
    const terms = polynomial.flatMap((coefficient, term) =>
      coefficient === 0n ? [] : [this.#product(coefficient, term)],
    );
    return terms.length === 0 ? this.#constant(0n) : terms.reduce((sum, term) => this.#binary('Add', sum, term));
  }

  #product(coefficient: bigint, term: number): string {
    const sizes = factorsOf(term, this.#sources.length).map(d => this.#size(this.#sources[d]!));
    const factors = coefficient === 1n && sizes.length > 0 ? sizes : [this.#constant(coefficient), ...sizes];
    return factors.reduce((product, factor) => this.#binary('Mul', product, factor));
  }

  /** The size of a dimension, divided by what it is a multiple of: [1]. */
  #size({ name, input, axis, multipleOf }: SizeSource): string {
    const size = this.#emit('Shape', [input], `size/${name}`, { start: axis, end: axis + 1 });
    return multipleOf === 1 ? size : this.#binary('Div', size, this.#constant(BigInt(multipleOf)));
  }

  #constant(value: bigint): string {
    const name = `size/constant/${value}`;
    if (this.#isNew(name)) {
      const data = new Uint8Array(BigInt64Array.of(value).buffer);
      this.constants.push({ name, type: 'int64', shape: [1], data });
    }
    return name;
  }

  #binary(opType: 'Add' | 'Mul' | 'Div', a: string, b: string): string {
    return this.#emit(opType, [a, b], `size/${opType}(${a},${b})`);
  }

  #emit(opType: string, inputs: readonly string[], output: string, attributes: Record<string, number> = {}): string {
    if (this.#isNew(output)) {
      this.nodes.push({ opType, domain: '', name: `${output}/node`, inputs, outputs: [output], attributes });
    }
    return output;
  }

  #isNew(name: string): boolean {
    const isNew = !this.#known.has(name);
    this.#known.add(name);
    return isNew;
  }
}
