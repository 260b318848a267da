/**
 * Sampling that starts in the middle of the noise (SDEdit, Meng et al., arXiv 2108.01073): data that is there already gets
 * as much noise as `strength` says, and the solver carries that state to the end. The schedule is cut off at that noise, so
 * every solver and spacing works as it does from the beginning, with proportionally fewer steps.
 */
import { DuetError } from '../../../core/errors.ts';
import type { Schedule } from '../../../sampler/schedule.ts';
import { snap } from '../../../sampler/spacing.ts';
import type { SampleLatents } from './latents.ts';
import { isMoving, modalities, roles, type SingleMode, stagesOf } from './modes.ts';
import type { SampleRequest } from './sample-request.ts';

/** Where a run starts instead of in pure noise. */
export interface PartialStart {
  /** The data, of every modality that the last stage samples. */
  readonly latents: SampleLatents;
  /** Fraction of the timesteps that is sampled: 0 returns the data, 1 starts from pure noise. */
  readonly strength: number;
}

type Partial = Pick<SampleRequest, 'start' | 'steps'>;

/** Below one timestep of a thousand there is no noise. */
const leastStrength = 0.001;

/** What a stage starts from, if that is not noise. Stages that do not sample just the modalities given are left alone. */
export function startOfStage({ start }: Partial, mode: SingleMode): PartialStart | undefined {
  if (!start || start.strength === 1 || mode === 'inversion') return undefined;
  const covers = modalities.every(name => isMoving(roles[mode][name]) === (start.latents[name] !== undefined));
  return covers ? start : undefined;
}

/** Network evaluations of a stage: `steps` of the whole way, fewer of a part of it, none where nothing is left to do. */
export function stepsOfStage(request: Partial, mode: SingleMode): number {
  const { strength = 1 } = startOfStage(request, mode) ?? {};
  return strength < leastStrength ? 0 : Math.max(1, Math.round(request.steps * strength));
}

/** The schedule of a stage: all of it, or the part below where it starts. */
export function scheduleOfStage(request: Partial & Pick<SampleRequest, 'schedule'>, mode: SingleMode): Schedule {
  const start = startOfStage(request, mode);
  return start ? shortened(request.schedule, start.strength, stepsOfStage(request, mode)) : request.schedule;
}

/** `schedule` up to the fraction `strength` of its timesteps. */
function shortened(schedule: Schedule, strength: number, steps: number): Schedule {
  const { tMin, tMax, isDiscrete } = schedule;
  const end = snap(schedule, tMin + strength * (tMax - tMin));
  return { ...schedule, tMax: isDiscrete ? Math.min(tMax, Math.max(end, tMin + steps)) : end };
}

/** Throws unless the last stage of the mode can start from what `start` gives. */
export function checkStart({ start, mode, given, rounds = 1 }: SampleRequest): void {
  if (!start) return;
  const { strength } = start;
  if (!(strength >= 0 && strength <= 1)) {
    throw new DuetError('invalid-argument', `strength must be a number from 0 to 1, got ${strength}`);
  }
  const has = { image: given?.image !== undefined, text: given?.text !== undefined };
  const last = stagesOf(mode, { has, rounds }).at(-1);
  if (last && (strength === 1 || startOfStage({ start, steps: 1 }, last))) return;
  throw new DuetError('invalid-argument', `Mode "${mode}" cannot start from what is given: it samples something else`);
}
