/**
 * The distributions of one joint noise predictor as a table (UniDiffuser, arXiv 2303.06555, sections 3.2 and 3.3): in each
 * mode a modality is *sampled* (its timestep falls from noise to data), *inverted* (from data to noise), *given* (clean, timestep 0)
 * or *ignored* (pure noise, timestep 1000). The unconditional passes of classifier-free guidance follow from the table: the
 * same network sees the marginal of a modality when the other one is ignored.
 */
import { DuetError } from '../../../core/errors.ts';

export type Modality = 'image' | 'text';
type Role = 'sampled' | 'inverted' | 'given' | 'ignored';
export type Roles = Readonly<Record<Modality, Role>>;

/** What one network pass feeds a modality with; `negative` is a given condition to steer away from. */
export type Pass = Readonly<Record<Modality, Role | 'negative'>>;

export const roles = {
  t2i: { image: 'sampled', text: 'given' },
  i2t: { image: 'given', text: 'sampled' },
  joint: { image: 'sampled', text: 'sampled' },
  i: { image: 'sampled', text: 'ignored' },
  t: { image: 'ignored', text: 'sampled' },
  /** The noise that t2i makes a given image of. */
  inversion: { image: 'inverted', text: 'given' },
} satisfies Record<string, Roles>;

/** A mode of one sampling run. */
export type SingleMode = keyof typeof roles;

/** What a chain begins with. */
export interface ChainStart {
  readonly has: Readonly<Record<Modality, boolean>>;
  /** Of Gibbs sampling: how often both modalities are drawn again. */
  readonly rounds: number;
}

/** Modes of several runs, each of which is given what was given and sampled before. */
const chains = {
  i2t2i: () => ['i2t', 't2i'],
  t2i2t: () => ['t2i', 'i2t'],
  'i2t-inversion': () => ['i2t', 'inversion'],
  /** Blocked Gibbs sampling: whatever it starts with becomes a pair, then image and text are drawn in turns. */
  gibbs({ has, rounds }: ChainStart): readonly SingleMode[] {
    const opening: SingleMode = has.text ? 't2i' : has.image ? 'i2t' : 'joint';
    const round: SingleMode[] = opening === 'i2t' ? ['t2i', 'i2t'] : ['i2t', 't2i'];
    const turns = Array.from({ length: rounds }, () => round).flat();
    return has.image && has.text ? turns : [opening, ...turns];
  },
} satisfies Record<string, (start: ChainStart) => readonly SingleMode[]>;

/** The modes of a run, chains included. */
export type RunMode = SingleMode | keyof typeof chains;

/** What users know as modes. */
export type Mode = Exclude<SingleMode, 'inversion'> | 'i2t2i' | 't2i2t';

/** All modes, in the order in which help and errors list them. */
export const modes = ['t2i', 'i2t', 'joint', 'i', 't', 'i2t2i', 't2i2t'] as const satisfies readonly Mode[];

const nothing: ChainStart = { has: { image: false, text: false }, rounds: 1 };

/** The runs that a mode consists of. */
export function stagesOf(mode: RunMode, start = nothing): readonly SingleMode[] {
  if (Object.hasOwn(chains, mode)) return chains[mode as keyof typeof chains](start);
  if (Object.hasOwn(roles, mode)) return [mode as SingleMode];
  throw new DuetError('invalid-argument', `Unknown mode "${mode}"; the modes are ${modes.join(', ')}`);
}

/** The modalities a mode must be given by the caller. */
export function neededBy(mode: RunMode, start = nothing): Modality[] {
  const [first] = stagesOf(mode, start);
  if (!first) return [];
  return modalities.filter(modality => ['given', 'inverted'].includes(roles[first][modality]));
}

/** Whether the modality is the state of a run's solver. */
export function isMoving(role: Role | 'negative'): boolean {
  return role === 'sampled' || role === 'inverted';
}

export const modalities = ['image', 'text'] as const satisfies readonly Modality[];

/**
 * The pass whose prediction of `modality` is the unconditional one, or undefined where guidance has no meaning: nothing is
 * sampled, or there is no condition to guide towards.
 */
export function unconditionalPass(of: Roles, modality: Modality, hasNegative: boolean): Pass | undefined {
  const other = modality === 'image' ? 'text' : 'image';
  if (!isMoving(of[modality]) || of[other] === 'ignored') return undefined;
  const feed = of[other] === 'given' && hasNegative ? 'negative' : 'ignored';
  return modality === 'image' ? { image: of.image, text: feed } : { image: feed, text: of.text };
}
