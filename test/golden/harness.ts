/**
 * Golden vectors: expected values recorded from the original Python code on tiny networks with closed-form weights and
 * inputs. This module reads the files, makes weights and inputs by their rules, runs programs and compares.
 * Nothing about a file is written down here or in the suites: configurations, names, shapes and tolerances come from it.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HostTensor, TensorSource } from '../../src/core/host-tensor.ts';
import { float32, sizeOf } from '../../src/core/host-tensor.ts';
import type { Tree } from '../../src/core/tree.ts';
import type { Program } from '../../src/engine/types.ts';

/** |got - expected| <= atol + rtol |expected|. */
export interface Tolerance {
  readonly atol: number;
  readonly rtol: number;
}

/** A tensor written out in a file; without `dtype` it is float32. */
export interface LiteralTensor {
  readonly shape: readonly number[];
  readonly dtype?: string;
  readonly data: readonly number[];
}

/** A tensor as a file gives it: literal, by rule I, or zeros. */
type TensorRecipe =
  | LiteralTensor
  | { readonly rule: 'I'; readonly shape: readonly number[]; readonly c: number }
  | { readonly rule: 'zeros'; readonly shape: readonly number[] };

export interface WeightRecipe {
  readonly rule: 'F';
  readonly a: number;
  /** Name and shape, in rank order. */
  readonly keys: readonly (readonly [string, readonly number[]])[];
  /** Names that share the tensor of a ranked name. */
  readonly tied?: Readonly<Record<string, string>>;
  /** [other library's name, ranked name, rows or null]. */
  readonly mapped?: readonly (readonly [string, string, readonly [number, number] | null])[];
}

export interface GoldenCase {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly weights?: WeightRecipe;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly tolerance: Tolerance;
  /** Some families have more fields (beam searches, ops, ...). */
  readonly [field: string]: unknown;
}

export interface GoldenFile {
  readonly source: string;
  readonly notes: unknown;
  readonly cases: readonly GoldenCase[];
}

/** Where programs run: tfjs's JavaScript backend, or the compiled graph in ONNX Runtime. */
export type GoldenBackend = 'reference' | 'cpu';

/** One compared output of one case. */
export interface CaseResult {
  /** "case / output". */
  readonly name: string;
  /** The largest |got - expected|; 0 or infinity for exact values. */
  readonly error: number;
  /** The largest |got - expected| / (atol + rtol |expected|); at most 1 passes. */
  readonly ratio: number;
  readonly tolerance: Tolerance;
  readonly pass: boolean;
  /** What differs, when it does not pass. */
  readonly detail?: string;
}

/** What a module in suites/ exports: the files it covers and how to run one of them. */
export interface Suite {
  /** A file name or several, with ".json". */
  readonly file: string | readonly string[];
  readonly run: (golden: GoldenFile, backend: GoldenBackend) => Promise<CaseResult[]>;
  /** The kinds of cases that `run` leaves out because nothing is built for them. */
  readonly skips?: (golden: GoldenFile) => readonly string[];
}

const EXACT: Tolerance = { atol: 0, rtol: 0 };

/** The folder of golden files: GOLDEN_DIR, or test/golden/data. */
export function goldenFolder(): string {
  return process.env['GOLDEN_DIR'] ?? fileURLToPath(new URL('./data', import.meta.url));
}

/** Reads a golden file by name ("vae.json") from {@link goldenFolder}. */
export async function readGolden(file: string): Promise<GoldenFile> {
  return JSON.parse(await readFile(join(goldenFolder(), file), 'utf8')) as GoldenFile;
}

/** Rule I: cos(0.3 i + c) over the flat row-major index. */
export function ruleI(shape: readonly number[], c: number): HostTensor {
  return float32(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.cos(0.3 * i + c)),
  );
}

/** Rule F for one tensor: a sin(0.7 i + 1.3 k + 0.2) for the name of rank k, plus 1 for a 1-D "….weight". */
function ruleF(name: string, shape: readonly number[], rank: number, a: number): HostTensor {
  const offset = shape.length === 1 && name.endsWith('.weight') ? 1 : 0;
  return float32(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, (_, i) => a * Math.sin(0.7 * i + 1.3 * rank + 0.2) + offset),
  );
}

function rows({ shape, data }: HostTensor, [from, to]: readonly [number, number]): HostTensor {
  const width = sizeOf(shape.slice(1));
  return float32([to - from, ...shape.slice(1)], (data as Float32Array).slice(from * width, to * width));
}

/**
 * The weights of a case by the names of the original library (tied names included).
 * @param names `mapped`: under the other library's names instead
 */
export function makeWeights(recipe: WeightRecipe, names: 'ranked' | 'mapped' = 'ranked'): Record<string, HostTensor> {
  const ranked = Object.fromEntries(
    recipe.keys.map(([name, shape], rank) => [name, ruleF(name, shape, rank, recipe.a)]),
  );
  if (names === 'mapped') {
    return Object.fromEntries(
      (recipe.mapped ?? []).map(([theirs, name, range]) => [
        theirs,
        range ? rows(ranked[name]!, range) : ranked[name]!,
      ]),
    );
  }
  const tied = Object.entries(recipe.tied ?? {}).map(([name, source]) => [name, ranked[source]!]);
  return { ...ranked, ...Object.fromEntries(tied) };
}

/** An input of a case as a tensor; int64 becomes int32. */
export function makeInput(recipe: unknown): HostTensor {
  const tensor = recipe as TensorRecipe;
  if ('rule' in tensor) {
    return tensor.rule === 'I'
      ? ruleI(tensor.shape, tensor.c)
      : float32(tensor.shape, new Float32Array(sizeOf(tensor.shape)));
  }
  return tensor.dtype?.startsWith('int')
    ? { dtype: 'int32', shape: tensor.shape, data: Int32Array.from(tensor.data) }
    : float32(tensor.shape, Float32Array.from(tensor.data));
}

/** The named inputs of a case that are tensors, renamed by `names` (their name -> ours); absent ones are left out. */
export function makeInputs(golden: GoldenCase, names: Readonly<Record<string, string>>): Record<string, HostTensor> {
  return Object.fromEntries(
    Object.entries(names).flatMap(([theirs, ours]) =>
      golden.inputs[theirs] === undefined ? [] : [[ours, makeInput(golden.inputs[theirs])]],
    ),
  );
}

/** Compares numbers with the expected ones of a case. A wrong shape or a NaN fails with infinite error. */
export function compare(
  name: string,
  got: { readonly shape?: readonly number[]; readonly data: ArrayLike<number> },
  expected: unknown,
  tolerance: Tolerance,
): CaseResult {
  const { shape, data } = expected as LiteralTensor;
  const wrongShape = got.shape ? `${got.shape}` !== `${shape}` : got.data.length !== data.length;
  if (wrongShape) {
    const detail = `shape [${got.shape ?? got.data.length}], expected [${shape}]`;
    return { name, error: Number.POSITIVE_INFINITY, ratio: Number.POSITIVE_INFINITY, tolerance, pass: false, detail };
  }
  let [error, ratio, worst] = [0, 0, 0];
  for (let i = 0; i < data.length; i++) {
    const difference = Math.abs(got.data[i]! - data[i]!);
    const limit = tolerance.atol + tolerance.rtol * Math.abs(data[i]!);
    const share = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference === 0 ? 0 : difference / limit;
    error = Math.max(error, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
    if (share > ratio) [ratio, worst] = [share, i];
  }
  const pass = ratio <= 1;
  const detail = `element ${worst}: ${got.data[worst]}, expected ${data[worst]}`;
  return { name, error, ratio, tolerance, pass, ...(pass ? {} : { detail }) };
}

/** Compares values that must be equal (tokens, strings, counts), by their JSON. */
export function compareExact(name: string, got: unknown, expected: unknown): CaseResult {
  const [a, b] = [JSON.stringify(got), JSON.stringify(expected)];
  const pass = a === b;
  const error = pass ? 0 : Number.POSITIVE_INFINITY;
  return { name, error, ratio: error, tolerance: EXACT, pass, ...(pass ? {} : { detail: `${a}, expected ${b}` }) };
}

/**
 * Runs a pure program once on `backend`.
 * @param program gets `params` and `inputs` as tensors, returns `{ outputs }`
 */
export async function runProgram<P>(
  backend: GoldenBackend,
  program: Program<P, undefined>,
  params: Tree<TensorSource>,
  inputs: Readonly<Record<string, HostTensor>>,
): Promise<Record<string, HostTensor>> {
  const { compile } = await import('../../src/engine/index.ts');
  const specs = Object.fromEntries(Object.entries(inputs).map(([name, { dtype, shape }]) => [name, { dtype, shape }]));
  const executable = await compile(program, { params, inputs: specs }, { device: backend, name: 'golden', threads: 1 });
  try {
    return await executable.run(inputs);
  } finally {
    await executable.release();
  }
}
