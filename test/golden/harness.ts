/**
 * Golden vectors: expected values recorded from the original Python code on tiny networks with closed-form weights and
 * inputs. This module reads the files and runs programs; tensors.ts and weights.ts make inputs and weights, compare.ts
 * compares. Nothing about a file is written down here or in the suites: configurations, names, shapes and tolerances come from it.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HostTensor } from '../../src/core/host-tensor.ts';
import { compile } from '../../src/engine/index.ts';
import type { Program, Sources } from '../../src/engine/types.ts';
import { type CaseResult, compare, type Tolerance } from './compare.ts';
import type { WeightRecipe } from './weights.ts';

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

/** A network that several cases of a file share. */
export interface GoldenNetwork {
  readonly config: Readonly<Record<string, unknown>>;
  readonly weights: WeightRecipe;
}

export interface GoldenFile {
  readonly source: string;
  readonly notes: unknown;
  /** By the names to which the cases' `networks` map roles. */
  readonly networks?: Readonly<Record<string, GoldenNetwork>>;
  readonly cases: readonly GoldenCase[];
}

/** Where programs run: tfjs's JavaScript backend, or the compiled graph in ONNX Runtime. */
export type GoldenBackend = 'reference' | 'cpu';

/** What a module in suites/ exports: the files it covers and how to run one of them. */
export interface Suite {
  /** A file name or several, with ".json". */
  readonly file: string | readonly string[];
  readonly run: (golden: GoldenFile, backend: GoldenBackend) => Promise<CaseResult[]>;
  /** The kinds of cases that `run` leaves out because nothing is built for them. */
  readonly skips?: (golden: GoldenFile) => readonly string[];
}

/** The folder of golden files: GOLDEN_DIR, or test/golden/data. */
export function goldenFolder(): string {
  return process.env['GOLDEN_DIR'] ?? fileURLToPath(new URL('./data', import.meta.url));
}

/** Reads a golden file by name ("vae.json") from {@link goldenFolder}. */
export async function readGolden(file: string): Promise<GoldenFile> {
  const text = await readFile(join(goldenFolder(), file), 'utf8');
  // Python writes infinite numbers (a scheduler's lambda_min_clipped) as a word that JSON does not have.
  return JSON.parse(text.replace(/(?<=:\s*-?)Infinity(?=\s*[,}\]])/g, '1e999')) as GoldenFile;
}

/** A suite's `run` that carries out one case after the other. */
export function eachCase(
  runCase: (golden: GoldenCase, backend: GoldenBackend, file: GoldenFile) => CaseResult[] | Promise<CaseResult[]>,
): Suite['run'] {
  return async (file, backend) => {
    const results: CaseResult[] = [];
    for (const golden of file.cases) results.push(...(await runCase(golden, backend, file)));
    return results;
  };
}

/** The network that plays `role` in a case of a file with `networks`. */
export function networkOf({ networks = {} }: GoldenFile, golden: GoldenCase, role: string): GoldenNetwork {
  const name = (golden['networks'] as Record<string, string> | undefined)?.[role];
  const network = name === undefined ? undefined : networks[name];
  if (!network) throw new Error(`${golden.name}: no network plays the role ${role}`);
  return network;
}

/** Compares every output that the case expects with the one of that name. */
export function compareOutputs(golden: GoldenCase, got: Readonly<Record<string, HostTensor>>): CaseResult[] {
  return Object.entries(golden.outputs).map(([name, expected]) => {
    const tensor = got[name];
    if (!tensor) throw new Error(`${golden.name}: output ${name} is not computed, only ${Object.keys(got).join(', ')}`);
    return compare(`${golden.name} / ${name}`, tensor, expected, golden.tolerance);
  });
}

/**
 * Runs a pure program once on `backend`.
 * @param program gets `params` and `inputs` as tensors, returns `{ outputs }`
 */
export async function runProgram<P>(
  backend: GoldenBackend,
  program: Program<P, undefined>,
  params: Sources<P>,
  inputs: Readonly<Record<string, HostTensor>>,
): Promise<Record<string, HostTensor>> {
  const specs = Object.fromEntries(Object.entries(inputs).map(([name, { dtype, shape }]) => [name, { dtype, shape }]));
  const executable = await compile(program, { params, inputs: specs }, { device: backend, name: 'golden', threads: 1 });
  try {
    return await executable.run(inputs);
  } finally {
    await executable.release();
  }
}
