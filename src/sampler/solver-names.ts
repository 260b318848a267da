/** The solvers and noise schedules by the names under which users choose them. */
import { DuetError } from '../core/errors.ts';
import type { SolverOptions } from './solve.ts';

/** In the order of menus: the default first, then by what they are known for. */
const solvers = {
  'dpm-multistep': { kind: 'dpm-multistep' },
  'dpm-multistep-sde': { kind: 'dpm-multistep', stochastic: true },
  'dpm-singlestep': { kind: 'dpm-singlestep' },
  unipc: { kind: 'unipc' },
  euler: { kind: 'euler' },
  'euler-ancestral': { kind: 'euler-ancestral' },
  // Evaluated at the cleanest level, where networks tell little of the noise, its slopes are far off: trailing ends before it.
  heun: { kind: 'heun', spacing: 'trailing' },
  ddim: { kind: 'ddim' },
  ddpm: { kind: 'ddpm' },
  pndm: { kind: 'pndm' },
  lcm: { kind: 'lcm' },
} as const satisfies Record<string, SolverOptions>;

export type SolverName = keyof typeof solvers;

export const solverNames = Object.keys(solvers) as SolverName[]; // Object.keys forgets the type of the keys

/** How noise levels are spread: evenly over the timesteps, or as `SigmaSpacing` says. */
export const noiseSchedules = ['uniform', 'karras', 'exponential', 'beta'] as const;
export type NoiseSchedule = (typeof noiseSchedules)[number];

/** Solvers that step between any levels; the others are tied to the timesteps of training or distillation. */
const anyLevels: readonly SolverName[] = [
  'dpm-multistep',
  'dpm-multistep-sde',
  'unipc',
  'euler',
  'euler-ancestral',
  'heun',
];

/** Whether `solver` can step between the levels of `schedule`. */
export function hasNoiseSchedule(solver: SolverName, schedule: NoiseSchedule): boolean {
  return schedule === 'uniform' || anyLevels.includes(solver);
}

/** Throws DuetError 'invalid-argument' unless `solver` can step between the levels of `schedule`. */
export function checkNoiseSchedule(solver: SolverName, schedule: NoiseSchedule): void {
  if (hasNoiseSchedule(solver, schedule)) return;
  throw new DuetError(
    'invalid-argument',
    `The noise schedule ${schedule} goes with the solvers ${anyLevels.join(', ')}, not with ${solver}`,
    { field: 'noiseSchedule' },
  );
}

/** A solver with the defaults of its paper, for models that say nothing about it. */
export function solverOptions(solver: SolverName, schedule: NoiseSchedule = 'uniform'): SolverOptions {
  checkNoiseSchedule(solver, schedule);
  const options: SolverOptions = solvers[solver];
  if (schedule === 'uniform') return options;
  return { ...options, sigmas: schedule } as SolverOptions; // those that get here have such an option
}
