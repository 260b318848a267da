/** Runs a program on two devices with the same inputs and finds the first kernel whose results differ. */
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../../core/folders.ts';
import type { HostTensor } from '../../core/host-tensor.ts';
import { createExecutable } from '../create-executable.ts';
import { fileName } from '../graph-cache.ts';
import type { CompileOptions, CompileSpec, Executable, Program } from '../types.ts';
import { debugFolder } from './debug-switch.ts';
import { traced } from './kernel-trace.ts';

type Tensors = Readonly<Record<string, HostTensor>>;

export interface CompareOptions {
  /** What is compared with what. @default device 'cpu' with device 'reference' */
  readonly sides?: readonly [actual: CompileOptions, expected: CompileOptions];
  /** Largest |a - b| / max(1, |b|) that does not count as a difference. @default 1e-3; roundings of float32 add up to 1e-4 in deep networks */
  readonly tolerance?: number;
  readonly signal?: AbortSignal | undefined;
}

/** The first result in which two devices differ. */
export interface Difference {
  /** `kernel 12 (Add)`: the thirteenth kernel called; or `output NAME`. */
  readonly name: string;
  readonly actual: HostTensor;
  readonly expected: HostTensor;
  /** Largest |a - b| / max(1, |b|); infinite for other types or shapes, and for NaN beside a number. */
  readonly largest: number;
  /** Index of the element with the largest difference, row-major; absent for other types or shapes. */
  readonly element?: number;
}

export interface Comparison {
  /** Results compared until the first difference, that one included. */
  readonly compared: number;
  /** Largest |a - b| / max(1, |b|) among those that agree: the effect of rounding. */
  readonly rounding: number;
  readonly first?: Difference;
}

/**
 * Calls `program` once on each side, from the state in `spec`, with every kernel's result as an output, and compares those
 * in the order of computation. ONNX Runtime fuses no nodes across outputs: what it fuses wrongly is not found.
 * @throws DuetError 'invalid-argument' for a program with sequences
 */
export async function compareDevices<P, S>(
  program: Program<P, S>,
  spec: CompileSpec<P, S>,
  inputs: Tensors,
  { sides = [{ device: 'cpu' }, { device: 'reference' }], tolerance = 1e-3, signal }: CompareOptions = {},
): Promise<Comparison> {
  const [actual, expected] = [
    await runTraced(program, spec, inputs, sides[0], signal),
    await runTraced(program, spec, inputs, sides[1], signal),
  ];
  return firstDifference(actual, expected, tolerance);
}

async function runTraced<P, S>(
  program: Program<P, S>,
  spec: CompileSpec<P, S>,
  inputs: Tensors,
  options: CompileOptions,
  signal: AbortSignal | undefined,
): Promise<Tensors> {
  const name = `${options.name ?? 'program'} traced`;
  // Trees are looked at leaf by leaf, as in `compile`.
  const executable = await createExecutable(traced(program), spec as CompileSpec, { ...options, name });
  try {
    return await executable.run(inputs, signal && { signal });
  } finally {
    await executable.release();
  }
}

function firstDifference(actual: Tensors, expected: Tensors, tolerance: number): Comparison {
  const names = Object.keys(expected);
  const others = Object.keys(actual);
  let rounding = 0;
  for (const [index, name] of names.entries()) {
    if (others[index] !== name) {
      throw new Error(`Result ${index} is ${others[index] ?? 'missing'} on one side and ${name} on the other`);
    }
    const difference = differenceOf(actual[name]!, expected[name]!);
    if (difference.largest > tolerance) {
      const first = { name, actual: actual[name]!, expected: expected[name]!, ...difference };
      return { compared: index + 1, rounding, first };
    }
    rounding = Math.max(rounding, difference.largest);
  }
  return { compared: names.length, rounding };
}

function differenceOf(actual: HostTensor, expected: HostTensor): Pick<Difference, 'largest' | 'element'> {
  if (typeText(actual) !== typeText(expected)) return { largest: Number.POSITIVE_INFINITY };
  let largest = 0;
  let element = 0;
  for (const [index, b] of expected.data.entries()) {
    const a = actual.data[index]!;
    if (Object.is(a, b) || a === b) continue;
    const ratio = Math.abs(a - b) / Math.max(1, Math.abs(b));
    const difference = Number.isNaN(ratio) ? Number.POSITIVE_INFINITY : ratio;
    if (difference > largest) [largest, element] = [difference, index];
  }
  return { largest, element };
}

function typeText({ dtype, shape }: HostTensor): string {
  return `${dtype} [${shape.join(', ')}]`;
}

/** The comparison in words. */
export function comparisonText(program: string, { compared, rounding, first }: Comparison): string {
  const within = `to within ${rounding.toExponential(1)}`;
  if (!first) return `${program}: all ${compared} results agree ${within}\n`;
  const { name, actual, expected, largest, element } = first;
  const where =
    element === undefined
      ? `${typeText(actual)} instead of ${typeText(expected)}`
      : `${typeText(actual)} differs by ${largest.toPrecision(3)}: ` +
        `element ${element} is ${actual.data[element]} instead of ${expected.data[element]}`;
  return `${program}: ${compared - 1} results agree ${within}, then ${name} is the first that differs\n${where}\n`;
}

/** `executable`, whose first run is also compared with the device `reference`; the result is written to the folder. */
export function comparedAtFirstRun<P, S>(
  executable: Executable,
  program: Program<P, S>,
  spec: CompileSpec<P, S>,
  options: CompileOptions,
  folder = debugFolder(),
): Executable {
  const name = options.name ?? 'program';
  let isWritten = false;
  const write = async (compare: () => string | Promise<string>) => {
    if (isWritten) return;
    isWritten = true;
    await makeFolder(folder);
    await writeFile(join(folder, `${fileName(name)}-${randomUUID().slice(0, 8)}-compare.txt`), await compare());
  };
  return {
    run: async (inputs, runOptions) => {
      await write(async () => {
        const sides = [options, { device: 'reference', name }] as const;
        return comparisonText(name, await compareDevices(program, spec, inputs, { sides, signal: runOptions?.signal }));
      });
      return executable.run(inputs, runOptions);
    },
    extend: async (rows, runOptions) => {
      await write(() => `${name}: not compared, for it extends sequences, which are held by one device\n`);
      return executable.extend(rows, runOptions);
    },
    readState: () => executable.readState(),
    writeState: state => executable.writeState(state),
    release: () => executable.release(),
  };
}
