/** What answers of every family say of the picture that was given: how much it looks like what the model has learnt. */
import type { JobResult } from '../../jobs/types.ts';

export interface FamiliarityFields {
  /** In dB. */
  readonly familiarity?: number;
  readonly is_familiar?: boolean;
}

/** The fields of an answer; none where no picture was given or the model does not measure it. */
export function familiarityFields({
  familiarity,
  isFamiliar,
}: Pick<JobResult, 'familiarity' | 'isFamiliar'>): FamiliarityFields {
  return familiarity === undefined || isFamiliar === undefined ? {} : { familiarity, is_familiar: isFamiliar };
}

/** For the descriptions of routes; says where only if it is not beside the other fields of the answer. */
export function familiarityText(place?: string): string {
  const where = place === undefined ? '' : `, ${place}`;
  return (
    `Of a picture that was given, the answer tells familiarity (in dB${where}) and is_familiar: false where it looks unlike ` +
    'what the model has learnt, so that what the model sees is a guess.'
  );
}
