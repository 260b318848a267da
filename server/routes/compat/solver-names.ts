/** The solvers under the names that clients of other servers know them by. */
import type { SolverName } from '../../../src/pipelines/index.ts';

interface NamedSolver {
  readonly solver: SolverName;
  /** As A1111's menus and infotexts write it. */
  readonly label: string;
  /**
   * Other names it answers to. DDIM is Euler's method on the probability flow (Song et al., arXiv 2010.02502, section 4.3),
   * and stands in for its relatives; answers name the solver that really ran.
   */
  readonly aliases: readonly string[];
}

export const namedSolvers: readonly NamedSolver[] = [
  {
    solver: 'dpm-multistep',
    label: 'DPM++ 2M',
    aliases: [
      'dpm-multistep',
      'DPMSolverMultistepScheduler',
      'dpmpp_2m',
      'k_dpmpp_2m',
      'DPM++ 2M Karras',
      'DPM++ 2M SDE',
      'DPM++ 2M SDE Karras',
      'DPM++ SDE',
      'DPM++ SDE Karras',
      'UniPC',
      'Automatic',
    ],
  },
  {
    solver: 'dpm-singlestep',
    label: 'DPM++ 2S',
    aliases: [
      'dpm-singlestep',
      'DPMSolverSinglestepScheduler',
      'DPM++ 3S',
      'DPM++ 2S a',
      'k_dpmpp_2s_a',
      'DPM fast',
      'Heun',
      'DPM2',
    ],
  },
  {
    solver: 'ddim',
    label: 'DDIM',
    aliases: ['ddim', 'DDIMScheduler', 'Euler', 'k_euler', 'Euler a', 'k_euler_a', 'LMS', 'PLMS', 'LCM', 'DDPM'],
  },
];

const byName = new Map(
  namedSolvers.flatMap(({ solver, label, aliases }) => [label, ...aliases].map(name => [name.toLowerCase(), solver])),
);

/** The solver of a name in any spelling of case, or undefined. */
export function solverOf(name: string): SolverName | undefined {
  return byName.get(name.trim().toLowerCase());
}

/** The name that answers and infotexts give a solver. */
export function labelOf(solver: SolverName): string {
  return namedSolvers.find(named => named.solver === solver)!.label;
}
