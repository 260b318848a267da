/**
 * The distributions of one joint noise predictor as a table (UniDiffuser, arXiv 2303.06555, sections 3.2 and 3.3): in each
 * mode a modality is *sampled* (its time runs from noise to data), *given* (clean, time 0) or *ignored* (pure noise,
 * time 1000). The unconditional passes of classifier-free guidance follow from the table: the same network sees the
 * marginal of a modality when the other one is ignored.
 */
import { DuetError } from '../core/errors.ts';

export type Modality = 'image' | 'text';
type Role = 'sampled' | 'given' | 'ignored';
export type Roles = Readonly<Record<Modality, Role>>;

/** What one network pass feeds a modality with; `negative` is a given condition to steer away from. */
export type Pass = Readonly<Record<Modality, Role | 'negative'>>;

export const roles = {
  t2i: { image: 'sampled', text: 'given' },
  i2t: { image: 'given', text: 'sampled' },
  joint: { image: 'sampled', text: 'sampled' },
  i: { image: 'sampled', text: 'ignored' },
  t: { image: 'ignored', text: 'sampled' },
} satisfies Record<string, Roles>;

/** A mode of one sampling run. */
export type SingleMode = keyof typeof roles;

/** Variations: the latents sampled by the first run are what the second is given. */
const chains = {
  i2t2i: ['i2t', 't2i'],
  t2i2t: ['t2i', 'i2t'],
} satisfies Record<string, readonly SingleMode[]>;

export type Mode = SingleMode | keyof typeof chains;

/** All modes, in the order in which help and errors list them. */
export const modes: readonly Mode[] = [...(Object.keys(roles) as SingleMode[]), ...(Object.keys(chains) as Mode[])];

/** The runs that a mode consists of. */
export function stagesOf(mode: Mode): readonly SingleMode[] {
  if (Object.hasOwn(chains, mode)) return chains[mode as keyof typeof chains];
  if (Object.hasOwn(roles, mode)) return [mode as SingleMode];
  throw new DuetError('invalid-argument', `Unknown mode "${mode}"; the modes are ${modes.join(', ')}`);
}

/** The modalities a mode must be given by the caller. */
export function neededBy(mode: Mode): Modality[] {
  const first = roles[stagesOf(mode)[0]!];
  return modalities.filter(modality => first[modality] === 'given');
}

export const modalities = ['image', 'text'] as const satisfies readonly Modality[];

/**
 * The pass whose prediction of `modality` is the unconditional one, or undefined where guidance has no meaning: nothing is
 * sampled, or there is no condition to guide towards.
 */
export function unconditionalPass(of: Roles, modality: Modality, hasNegative: boolean): Pass | undefined {
  const other = modality === 'image' ? 'text' : 'image';
  if (of[modality] !== 'sampled' || of[other] === 'ignored') return undefined;
  const feed = of[other] === 'given' && hasNegative ? 'negative' : 'ignored';
  return modality === 'image' ? { image: 'sampled', text: feed } : { image: feed, text: 'sampled' };
}
