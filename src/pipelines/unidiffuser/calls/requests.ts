/** A call's options with their defaults, checked: errors name the value and what is allowed. */
import { randomInt } from 'node:crypto';
import { DuetError } from '../../../core/errors.ts';
import type { SolverOptions } from '../../../sampler/index.ts';
import type { ModelConfig } from '../model-config.ts';
import { stagesOf } from '../sampling/index.ts';
import type { CallMode, ImagineOrder, SamplingOptions, SolverName } from './types.ts';

const mostSamples = 1024;
const mostSteps = 1000;
/** Seeds are 32 bits wide, as in torch's generator. */
const seedLimit = 2 ** 32;

const solvers = {
  'dpm-multistep': { kind: 'dpm-multistep' },
  'dpm-singlestep': { kind: 'dpm-singlestep' },
  ddim: { kind: 'ddim' },
} satisfies Record<SolverName, SolverOptions>;

export interface Request {
  readonly mode: CallMode;
  readonly seeds: readonly number[];
  readonly steps: number;
  readonly guidance: number;
  readonly solver: SolverOptions;
}

/** Defaults of one kind of call, where they are not the model's. */
export interface CallDefaults {
  readonly guidance?: number;
  readonly solver?: SolverName;
}

/** Throws DuetError 'invalid-argument'. */
export function parseRequest<M extends CallMode>(
  mode: M,
  options: SamplingOptions,
  defaults: ModelConfig['sampling'],
  own: CallDefaults = {},
): Request & { readonly mode: M } {
  const { n = 1, steps = defaults.steps, solver = own.solver ?? 'dpm-multistep' } = options;
  requireWhole('n', n, 1, mostSamples);
  const seed = options.seed ?? randomInt(seedLimit - n);
  requireWhole('seed', seed, 0, seedLimit - n);
  requireWhole('steps', steps, 1, mostSteps);
  const guidance = options.guidance ?? own.guidance ?? defaultGuidance(mode, defaults.guidance);
  if (!(guidance >= 0 && Number.isFinite(guidance))) {
    throw new DuetError('invalid-argument', `guidance must be a number from 0 on (1 is off), got ${guidance}`);
  }
  if (!Object.hasOwn(solvers, solver)) {
    const allowed = Object.keys(solvers).join(', ');
    throw new DuetError('invalid-argument', `solver must be one of ${allowed}, got ${JSON.stringify(solver)}`);
  }
  const seeds = Array.from({ length: n }, (_, index) => seed + index);
  return { mode, seeds, steps, guidance, solver: solvers[solver] };
}

/** Both stages of a chain share the guidance of its last one, which makes what was asked for. */
function defaultGuidance(mode: CallMode, guidance: ModelConfig['sampling']['guidance']): number {
  const last = mode === 'interpolate' || mode === 'inpaint' || mode === 'gibbs' ? 't2i' : stagesOf(mode).at(-1);
  return last === 't2i' || last === 'i2t' || last === 'joint' ? guidance[last] : 1;
}

/** Throws DuetError 'invalid-argument'. */
export function parseOrder(asked: ImagineOrder | undefined, defaults: ModelConfig['sampling']): ImagineOrder {
  const order = asked ?? defaults.order ?? 'together';
  if (order === 'together' || order === 'text-first') return order;
  throw new DuetError('invalid-argument', `order must be one of together, text-first, got ${JSON.stringify(order)}`);
}

/** Throws DuetError 'invalid-argument' unless `strength` is a share. */
export function requireStrength(strength: number): void {
  if (strength >= 0 && strength <= 1) return;
  throw new DuetError('invalid-argument', `strength must be a number from 0 (keep all) to 1, got ${strength}`);
}

/** Throws DuetError 'invalid-argument' unless `value` is a whole number in the range. */
export function requireWhole(name: string, value: number, lowest: number, highest: number): void {
  if (Number.isSafeInteger(value) && value >= lowest && value <= highest) return;
  throw new DuetError('invalid-argument', `${name} must be a whole number from ${lowest} to ${highest}, got ${value}`);
}
