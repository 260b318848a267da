/**
 * The solvers and noise schedules under the names that clients of other servers know them by. Names are compared without
 * case, blanks and punctuation, and may end in the name of a noise schedule, as A1111's did before it had a field of its own
 * for that. Methods that Duet does not have are replaced by the nearest one that it has; answers say so.
 */
import { samplerLabels, scheduleLabels } from '../../../src/image/index.ts';
import { hasNoiseSchedule, type NoiseSchedule, type SolverName, solverNames } from '../../../src/pipelines/index.ts';
import { WireFault } from './wire-fault.ts';

interface SolverNames {
  /** Names of the same method beside its own and A1111's. */
  readonly aliases: readonly string[];
  /** Methods that it stands in for: of its kind, but of higher order, with other noise or other coefficients. */
  readonly relatives: readonly string[];
}

const names: Readonly<Record<SolverName, SolverNames>> = {
  'dpm-multistep': {
    aliases: ['DPMSolverMultistep', 'DPMSolver++', 'dpmpp_2m'],
    relatives: ['DPM++ 2M alt', 'DPM++ 3M', 'DEIS', 'DEISMultistep', 'IPNDM', 'IPNDM v', 'LMS', 'Res Multistep'],
  },
  'dpm-multistep-sde': {
    aliases: ['dpmpp_2m_sde'],
    relatives: ['DPM++ SDE', 'DPM++ 2M SDE Heun', 'DPM++ 3M SDE', 'DPMSolverSDE', 'SA Solver', 'ER SDE'],
  },
  'dpm-singlestep': {
    aliases: ['DPMSolverSinglestep'],
    relatives: ['DPM++ 2S', 'DPM++ 2S a', 'DPM fast', 'DPM adaptive', 'DPM ad'],
  },
  unipc: { aliases: ['UniPCMultistep', 'UniPC bh2'], relatives: ['UniPC bh1'] },
  euler: { aliases: ['EulerDiscrete'], relatives: ['EDMEuler', 'FlowMatchEuler'] },
  'euler-ancestral': { aliases: ['EulerAncestralDiscrete'], relatives: [] },
  heun: { aliases: ['HeunDiscrete'], relatives: ['Heun++ 2', 'DPM2', 'DPM2 a', 'Restart'] },
  ddim: { aliases: [], relatives: [] },
  ddpm: { aliases: [], relatives: [] },
  pndm: { aliases: ['PNDM'], relatives: [] },
  lcm: { aliases: [], relatives: ['TCD'] },
};

/** In the order of A1111's menu. */
export const namedSolvers = solverNames.map(solver => ({
  solver,
  /** As A1111's menus and infotexts write it. */
  label: samplerLabels[solver],
  aliases: [solver, ...names[solver].aliases],
  relatives: names[solver].relatives,
}));

/** A1111's and ComfyUI's schedule types that Duet lacks; the model's own takes their place. */
const otherSchedules: readonly string[] = [
  'Polyexponential',
  'SGM Uniform',
  'KL Optimal',
  'Align Your Steps',
  'Simple',
  'DDIM',
  'DDIM Uniform',
  'Turbo',
  'Linear quadratic',
];

/** What a name comes to. */
export interface SolverChoice {
  /** Undefined where the name leaves it to the model, as `Automatic` does. */
  readonly solver: SolverName | undefined;
  /** Undefined where the name leaves it to the model. */
  readonly noiseSchedule?: NoiseSchedule;
  /** Whether that is the method of the name itself, with the schedule of the name, if it has one. */
  readonly isExact: boolean;
}

/** What the name of a schedule comes to; `noiseSchedule` is undefined where it leaves it to the model. */
export type ScheduleChoice = Pick<SolverChoice, 'noiseSchedule' | 'isExact'>;

const byName = new Map<string, SolverChoice>([
  ['automatic', { solver: undefined, isExact: true }],
  ...namedSolvers.flatMap(({ solver, label, aliases, relatives }) => [
    ...[label, ...aliases].map(name => [keyOf(name), { solver, isExact: true }] as const),
    ...relatives.map(name => [keyOf(name), { solver, isExact: false }] as const),
  ]),
  [keyOf('KarrasDPM'), { solver: 'dpm-multistep', noiseSchedule: 'karras', isExact: true }],
]);

const scheduleByName = new Map<string, ScheduleChoice>([
  ['automatic', { isExact: true }],
  ['normal', { noiseSchedule: 'uniform', isExact: true }],
  ...Object.entries(scheduleLabels).map(
    ([noiseSchedule, label]) =>
      [keyOf(label), { noiseSchedule: noiseSchedule as NoiseSchedule, isExact: true }] as const,
  ),
  ...otherSchedules.map(name => [keyOf(name), { isExact: false }] as const),
]);
/** The longest first: one is the end of another. */
const scheduleKeys = [...scheduleByName.keys()].sort((a, b) => b.length - a.length);

/** The solver that a client means by `name`; undefined if nobody knows such a one. */
export function chooseSolver(name: string): SolverChoice | undefined {
  const key = keyOf(name);
  const whole = byName.get(key);
  if (whole) return whole;
  const schedule = scheduleKeys.find(known => key.endsWith(known) && key !== known) ?? '';
  const variant = key.slice(0, key.length - schedule.length);
  const method = variant.replace(/cfg\+\+$/, '');
  const choice = byName.get(method) ?? byName.get(method.replace(/^k/, ''));
  if (!choice) return undefined;
  const exact = { ...choice, isExact: choice.isExact && method === variant };
  return schedule === '' ? exact : withSchedule(exact, scheduleByName.get(schedule)!);
}

/** `choice` with a schedule; where its solver cannot step between other levels, with the model's own. */
export function withSchedule(choice: SolverChoice, { noiseSchedule, isExact }: ScheduleChoice): SolverChoice {
  const fits = noiseSchedule === undefined || !choice.solver || hasNoiseSchedule(choice.solver, noiseSchedule);
  const { noiseSchedule: _before, ...method } = choice;
  const own = fits && noiseSchedule ? { noiseSchedule } : {};
  return { ...method, ...own, isExact: choice.isExact && isExact && fits };
}

/** The schedule that a client means by `name`; undefined if nobody knows such a one. */
export function chooseSchedule(name: string): ScheduleChoice | undefined {
  return scheduleByName.get(keyOf(name));
}

/** The options that names of solvers and schedules stand for. */
export type SolverFields = { readonly solver?: SolverName; readonly noiseSchedule?: NoiseSchedule };

/**
 * The solver that `field` names, with the schedule that its name may end in, or a schedule alone.
 * @throws WireFault that lists the names, where it is unknown
 */
export function readSolver(field: string, name: string | undefined): SolverFields {
  if (name === undefined || name.trim() === '') return {};
  const choice = chooseSolver(name);
  if (choice) return fieldsOf(choice);
  const schedule = chooseSchedule(name);
  if (schedule) return fieldsOf({ solver: undefined, ...schedule });
  throw new WireFault('unsupported_value', field, `Unknown ${field} '${name.slice(0, 40)}'. ${solverHelp()}`);
}

export function fieldsOf({ solver, noiseSchedule }: SolverChoice): SolverFields {
  return { ...(solver && { solver }), ...(noiseSchedule && { noiseSchedule }) };
}

/** For messages: which names are real, and which are understood. */
export function solverHelp(): string {
  const real = namedSolvers.map(({ solver, label }) => `${solver} (${label})`).join(', ');
  const others = namedSolvers.flatMap(({ relatives }) => relatives).join(', ');
  return `Solvers: ${real}. Replaced by the nearest of these, which the answer tells: ${others}.`;
}

export function scheduleHelp(): string {
  const own = Object.values(scheduleLabels).join(', ');
  return `Schedules: Automatic, ${own}. Replaced by Automatic: ${otherSchedules.join(', ')}.`;
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
