/** How a number option is shown: a slider over the usual values, and a field for all that are allowed. Pure. */
import type { OptionSchema } from './wire.ts';

export interface OptionRange {
  readonly lowest: number;
  /** Where the slider ends. */
  readonly highest: number;
  /** The largest value that is allowed. */
  readonly most: number;
  /** Between the values of the slider. */
  readonly step: number;
  /** Values that are typed are multiples of this above `lowest`; null: any number. */
  readonly grain: number | null;
}

/** A range of no more than this is shown whole. */
const wholeRange = 20;
/** Otherwise the slider ends at so many times the default. */
const timesDefault = 3;
const leastSliderEnd = 10;
const sliderPlaces = 20;

export function rangeOf({ type, minimum = 0, maximum, multipleOf }: OptionSchema, standard: unknown): OptionRange {
  const most = maximum ?? Number.MAX_SAFE_INTEGER;
  const usual = Math.max(leastSliderEnd, timesDefault * (typeof standard === 'number' ? standard : 0));
  const highest = most - minimum <= wholeRange ? most : Math.min(most, Math.ceil(usual));
  const grain = multipleOf ?? (type === 'integer' ? 1 : null);
  return { lowest: minimum, highest, most, step: grain ?? roundStep((highest - minimum) / sliderPlaces), grain };
}

/** The largest of 1, 2 and 5 times a power of ten that is not above `step`. */
function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  const times = [5, 2, 1].find(factor => factor * power <= step * (1 + 1e-9)) ?? 1;
  return Number((times * power).toPrecision(1));
}
