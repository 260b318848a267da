/** The options that calls of every family take: each once, with its limits. */
import Type from 'typebox';
import { noiseSchedules, type SolverName, solverNames } from '../sampler/index.ts';
import { longestText, type OptionSchemas, type OptionValues } from './call-table.ts';
import { seedLimit } from './seeds.ts';

/** Most samples of one call. */
export const mostSamples = 1024;

/** The values of options that neither the caller nor the model gives. */
export const commonStandards = {
  n: 1,
  solver: 'dpm-multistep',
  noiseSchedule: 'uniform',
  previewEvery: 0,
  priority: 0,
} as const;

/** In documentation, the default of an option whose value is the model's where none is given. */
export const modelsOwn = { 'x-default': "the model's" } as const;

/** What people know the solvers by, for forms. */
const solverTitles = {
  'dpm-multistep': 'DPM-Solver++, multistep',
  'dpm-multistep-sde': 'DPM-Solver++, multistep, with noise (SDE)',
  'dpm-singlestep': 'DPM-Solver++, single step',
  unipc: 'UniPC',
  euler: 'Euler',
  'euler-ancestral': 'Euler, ancestral',
  heun: 'Heun',
  ddim: 'DDIM',
  ddpm: 'DDPM',
  pndm: 'PNDM',
  lcm: 'LCM, for models distilled for it',
} as const satisfies Record<SolverName, string>;

/** What every call takes. */
export const commonOptions = {
  /** How many samples to make. */
  n: Type.Integer({
    title: 'Samples',
    minimum: 1,
    maximum: mostSamples,
    default: commonStandards.n,
    description: 'how many to make',
  }),
  /** Sample i is made from seed + i alone, whatever n is. A random seed if absent, reported in the result. */
  seed: Type.Integer({
    title: 'Seed',
    minimum: 0,
    maximum: seedLimit - 1,
    description: 'seed of the first one; the next ones count up, the last one within the same limit; drawn if absent',
  }),
  /** Steps from noise to a sample; each is one evaluation of the network, of the solver heun two. */
  steps: Type.Integer({
    title: 'Steps',
    minimum: 1,
    maximum: 1000,
    ...modelsOwn,
    description: 'steps from noise to a sample, each one evaluation of the network (of heun two)',
  }),
  /** Guidance in diffusers' convention: 1 is off. Without effect where nothing is given to follow. */
  guidance: Type.Number({
    title: 'Guidance',
    minimum: 0,
    maximum: 100,
    ...modelsOwn,
    description: 'how closely to follow what is given: 1 is off and varies most; the higher, the more literal',
  }),
  /** How noise becomes a sample. */
  solver: Type.Enum<SolverName[]>([...solverNames], {
    title: 'Solver',
    'x-titles': solverTitles,
    default: commonStandards.solver,
    description: 'how noise becomes a sample',
  }),
  /** How noise levels are spread over the steps; not all solvers can choose. */
  noiseSchedule: Type.Enum([...noiseSchedules], {
    title: 'Noise schedule',
    default: commonStandards.noiseSchedule,
    description:
      'how noise levels are spread over the steps; for the solvers dpm-multistep, unipc, euler, heun and kin',
  }),
  /** What pictures should not show, where a caption is followed; needs guidance above 1. */
  negativePrompt: Type.String({
    title: 'Negative prompt',
    maxLength: longestText,
    description: 'what pictures should not show, where a caption is followed; needs guidance above 1',
  }),
  /** Send an `image-preview` after every so many evaluations; each costs one decoding. */
  previewEvery: Type.Integer({
    title: 'Preview every',
    minimum: 0,
    maximum: 1000,
    default: commonStandards.previewEvery,
    description: 'steps between previews; 0 for none',
  }),
  /** Of calls that run at the same time on one model, the one with the highest priority is served first; equals share. */
  priority: Type.Integer({
    title: 'Priority',
    minimum: -10,
    maximum: 10,
    default: commonStandards.priority,
    description: 'of calls that run together the highest goes first',
  }),
} as const;

export type CommonOptions = OptionValues<typeof commonOptions>;
export type { SolverName };

/** The options of several tables as those of one: the first schema of each name, without a default where the defaults differ. */
export function mergeOptions(all: readonly OptionSchemas[]): OptionSchemas {
  const merged: Record<string, OptionSchemas[string]> = {};
  for (const [name, schema] of all.flatMap(options => Object.entries(options))) {
    const { default: known, ...others } = (merged[name] ?? schema) as { readonly default?: unknown };
    const isCommon = known === (schema as { readonly default?: unknown }).default;
    merged[name] = isCommon ? (merged[name] ?? schema) : { ...others, ...modelsOwn };
  }
  return merged;
}
