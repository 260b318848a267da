/**
 * Another library's weights as ours. The checkpoint's names and shapes are checked as a whole before anything is read;
 * then tensor after tensor is read, changed and handed on, so memory holds no more than one of our tensors and the
 * tensors that it is made of. A tensor of theirs that holds several of ours is read once for each of them.
 */
import { DuetError } from '../core/errors.ts';
import type { HostTensor } from '../core/host-tensor.ts';
import { listSome } from '../core/list-some.ts';
import { flattenTree, type Tree } from '../core/tree.ts';
import { type Filled, fillParams, isParamSpec, type ParamSpec } from '../nn/params.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { NameRule } from './names/name-map.ts';
import { type TensorHeader, type WriteOptions, writeSafetensors } from './write-safetensors.ts';

/** What a checkpoint will become. */
export interface Conversion {
  /** Our parameters. */
  readonly header: Readonly<Record<string, TensorHeader>>;
  /** Reads and changes them one by one; can be run again. */
  readonly tensors: () => AsyncGenerator<readonly [name: string, tensor: HostTensor]>;
}

export interface ConversionOptions {
  /**
   * Whether a tensor of the checkpoint that no parameter is made of may be left out (buffers, other networks in the same
   * file). @default every one may
   */
  readonly mayIgnore?: (name: string) => boolean;
}

interface Step {
  readonly ours: string;
  readonly shape: readonly number[];
  readonly theirs: readonly string[];
  readonly transform: NameRule['transform'];
}

/**
 * Checks that `checkpoint` gives every parameter of `spec`, in the right shape; reads no tensor.
 * @param rules of more parameters than `spec` has do no harm
 * @throws DuetError `invalid-weights` that lists by name what is missing, what has another shape and what is left over
 */
export function planConversion(
  spec: Tree<ParamSpec>,
  rules: readonly NameRule[],
  checkpoint: Checkpoint,
  { mayIgnore = () => true }: ConversionOptions = {},
): Conversion {
  const byName = new Map(rules.map(rule => [rule.ours, rule]));
  const steps = Object.entries(flattenTree(spec, isParamSpec)).map(([ours, { shape }]): Step => {
    const rule = byName.get(ours);
    if (!rule) throw new Error(`No rule says where parameter ${ours} comes from`);
    return { ours, shape, theirs: [rule.theirs].flat(), transform: rule.transform };
  });
  checkFit(steps, checkpoint, mayIgnore);
  return {
    header: Object.fromEntries(steps.map(({ ours, shape }) => [ours, { dtype: 'float32', shape }])),
    tensors: async function* () {
      for (const step of steps) yield [step.ours, await readStep(step, checkpoint)];
    },
  };
}

function checkFit(steps: readonly Step[], { name, shapes }: Checkpoint, mayIgnore: (name: string) => boolean): void {
  const missing: string[] = [];
  const misshaped: string[] = [];
  for (const { ours, shape, theirs, transform } of steps) {
    const absent = theirs.filter(tensor => !shapes.has(tensor));
    missing.push(...absent.map(tensor => `${tensor} (for ${ours})`));
    if (absent.length > 0) continue;
    const given = theirs.map(tensor => shapes.get(tensor)!);
    const made = transform ? transform.shape(given) : given[0]!;
    if (made?.join() !== shape.join()) {
      const shown = theirs.map((tensor, i) => `${tensor} [${given[i]!.join(', ')}]`).join(' + ');
      misshaped.push(`${shown} (for ${ours} [${shape.join(', ')}])`);
    }
  }
  const used = new Set(steps.flatMap(({ theirs }) => theirs));
  const extra = [...shapes.keys()].filter(tensor => !used.has(tensor) && !mayIgnore(tensor));
  const problems = [
    { what: 'missing', names: missing },
    { what: 'of another shape', names: misshaped },
    { what: 'left over', names: extra },
  ].filter(({ names }) => names.length > 0);
  if (problems.length === 0) return;
  const list = problems.map(({ what, names }) => `${names.length} tensors are ${what}: ${listSome(names)}`).join('; ');
  throw new DuetError('invalid-weights', `${name} does not fit its configuration: ${list}`);
}

async function readStep({ ours, theirs, transform }: Step, checkpoint: Checkpoint): Promise<HostTensor> {
  const tensors: HostTensor[] = [];
  for (const name of theirs) {
    const tensor = await checkpoint.read(name);
    if (tensor.dtype !== 'float32') {
      const problem = `tensor ${name} (for ${ours}) holds ${tensor.dtype} where floats are needed`;
      throw new DuetError('invalid-weights', `${checkpoint.name}: ${problem}`);
    }
    tensors.push(tensor);
  }
  return transform ? transform.apply(tensors) : tensors[0]!;
}

/**
 * Converts a checkpoint into a .safetensors file under our names, tensor by tensor.
 * @throws DuetError `invalid-weights` as {@link planConversion} does; the signal's reason if it aborts
 */
export async function convertCheckpoint(
  spec: Tree<ParamSpec>,
  rules: readonly NameRule[],
  checkpoint: Checkpoint,
  file: string,
  options: ConversionOptions & WriteOptions = {},
): Promise<void> {
  const { header, tensors } = planConversion(spec, rules, checkpoint, options);
  await writeSafetensors(file, header, tensors(), options);
}

/** The rules for a checkpoint that has our names already. */
export function sameNames(spec: Tree<ParamSpec>): NameRule[] {
  return Object.keys(flattenTree(spec, isParamSpec)).map(name => ({ ours: name, theirs: name }));
}

/** Our parameters of a checkpoint in memory. Throws as {@link planConversion} does. */
export async function paramsFromCheckpoint<S extends Tree<ParamSpec>>(
  spec: S,
  rules: readonly NameRule[],
  checkpoint: Checkpoint,
  options: ConversionOptions = {},
): Promise<Filled<S, HostTensor>> {
  const converted: Record<string, HostTensor> = {};
  for await (const [name, tensor] of planConversion(spec, rules, checkpoint, options).tensors())
    converted[name] = tensor;
  return fillParams(spec, converted, checkpoint.name);
}
