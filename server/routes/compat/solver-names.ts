/**
 * The solvers under the names that clients of other servers know them by. Names are compared without case, blanks and
 * punctuation, and may end in the name of a noise schedule, as A1111's did before it had a field of its own for that.
 * Methods that Duet does not have are replaced by the nearest one that it has; answers say so.
 */
import { samplerLabels } from '../../../src/image/index.ts';
import type { SolverName } from '../../../src/pipelines/index.ts';
import { WireFault } from './wire-fault.ts';

interface NamedSolver {
  readonly solver: SolverName;
  /** As A1111's menus and infotexts write it. */
  readonly label: string;
  /** Other names of the same method. */
  readonly aliases: readonly string[];
  /**
   * Methods that it stands in for: multistep methods of higher order or with noise; those that evaluate the network several
   * times a step; those of first order, of which DDIM is one (Song et al., arXiv 2010.02502, section 4.3).
   */
  readonly relatives: readonly string[];
}

export const namedSolvers: readonly NamedSolver[] = [
  {
    solver: 'dpm-multistep',
    label: samplerLabels['dpm-multistep'],
    aliases: ['dpm-multistep', 'DPMSolverMultistep', 'DPMSolver++', 'dpmpp_2m'],
    relatives: [
      'DPM++ SDE',
      'DPM++ 2M SDE',
      'DPM++ 2M SDE Heun',
      'DPM++ 2M alt',
      'DPM++ 3M',
      'DPM++ 3M SDE',
      'DPMSolverSDE',
      'UniPC',
      'UniPC bh1',
      'UniPC bh2',
      'UniPCMultistep',
      'KarrasDPM',
      'DEIS',
      'DEISMultistep',
      'IPNDM',
      'IPNDM v',
      'LMS',
      'PLMS',
      'PNDM',
      'Res Multistep',
      'SA Solver',
      'ER SDE',
    ],
  },
  {
    solver: 'dpm-singlestep',
    label: samplerLabels['dpm-singlestep'],
    aliases: ['dpm-singlestep', 'DPMSolverSinglestep'],
    relatives: [
      'DPM++ 2S',
      'DPM++ 2S a',
      'DPM fast',
      'DPM adaptive',
      'DPM ad',
      'DPM2',
      'DPM2 a',
      'Heun',
      'Heun++ 2',
      'Restart',
    ],
  },
  {
    solver: 'ddim',
    label: samplerLabels.ddim,
    aliases: ['ddim'],
    relatives: ['Euler', 'Euler a', 'EDMEuler', 'FlowMatchEuler', 'DDPM', 'LCM', 'TCD'],
  },
];

/** A1111's schedule types. The networks' own schedule is the only one so far, which Automatic means. */
const schedules: readonly string[] = [
  'Automatic',
  'Uniform',
  'Karras',
  'Exponential',
  'Polyexponential',
  'SGM Uniform',
  'KL Optimal',
  'Align Your Steps',
  'Simple',
  'Normal',
  'DDIM',
  'DDIM Uniform',
  'Beta',
  'Turbo',
  'Linear quadratic',
];

/** What a name comes to. */
export interface SolverChoice {
  /** Undefined where the name leaves it to the model, as `Automatic` does. */
  readonly solver: SolverName | undefined;
  /** Whether that is the method of the name itself, with the schedule of the name, if it has one. */
  readonly isExact: boolean;
}

const byName = new Map<string, SolverChoice>([
  ['automatic', { solver: undefined, isExact: true }],
  ...namedSolvers.flatMap(({ solver, label, aliases, relatives }) => [
    ...[label, ...aliases].map(name => [keyOf(name), { solver, isExact: true }] as const),
    ...relatives.map(name => [keyOf(name), { solver, isExact: false }] as const),
  ]),
]);
const automaticKey = keyOf('Automatic');
/** The longest first: one is the end of another. */
const scheduleKeys = schedules.map(keyOf).sort((a, b) => b.length - a.length);

/** The solver that a client means by `name`; undefined if nobody knows such a one. */
export function chooseSolver(name: string): SolverChoice | undefined {
  const key = keyOf(name);
  const schedule = scheduleKeys.find(known => key.endsWith(known) && key !== known) ?? '';
  const variant = key.slice(0, key.length - schedule.length);
  const method = variant.replace(/cfg\+\+$/, '');
  const choice = byName.get(method) ?? byName.get(method.replace(/^k/, ''));
  const isPlain = method === variant && (schedule === '' || schedule === automaticKey);
  return choice && { ...choice, isExact: choice.isExact && isPlain };
}

/** Whether `name` is a schedule that clients may ask for, and the networks' own. */
export function chooseSchedule(name: string): { readonly isExact: boolean } | undefined {
  const key = keyOf(name);
  return scheduleKeys.includes(key) ? { isExact: key === automaticKey } : undefined;
}

/**
 * The solver that `field` names, or a schedule, which leaves the solver to the model.
 * @throws WireFault that lists the names, where it is unknown
 */
export function readSolver(field: string, name: string | undefined): SolverName | undefined {
  if (name === undefined || name.trim() === '') return undefined;
  const choice = chooseSolver(name);
  if (choice) return choice.solver;
  if (chooseSchedule(name)) return undefined;
  throw new WireFault('unsupported_value', field, `Unknown ${field} '${name.slice(0, 40)}'. ${solverHelp()}`);
}

/** For messages: which names are real, and which are understood. */
export function solverHelp(): string {
  const real = namedSolvers.map(({ solver, label }) => `${solver} (${label})`).join(', ');
  const others = namedSolvers.flatMap(({ relatives }) => relatives).join(', ');
  return `Solvers: ${real}. Replaced by the nearest of these, which the answer tells: ${others}.`;
}

export function scheduleHelp(): string {
  return `Schedules: ${schedules[0]}. Replaced by it: ${schedules.slice(1).join(', ')}.`;
}

/** `DPM++ 2M`, `dpmpp_2m`, `k_dpmpp_2m` and `DPM++2M` alike; of class names and ComfyUI's names without their endings. */
function keyOf(name: string): string {
  return name
    .toLowerCase()
    .replace(/^\s*(sample|k)[\s_-]+/, '')
    .replace(/[^a-z0-9+]/g, '')
    .replace(/(dpm|heun|cfg)pp/g, '$1++')
    .replace(/ancestral/g, 'a')
    .replace(/(discrete)?scheduler$|discrete$|gpu$/, '');
}
