/** The figures of an evaluation and their table in Markdown. */

import { type Interval, meanInterval, wilson } from './statistics.ts';

/** One measured value; a rate comes with Wilson's interval, a mean with the normal one, a plain number with none. */
export interface Measured extends Partial<Interval> {
  readonly value: number;
  /** How many items were judged. */
  readonly count: number;
}

/** One line of the table. `overall` is for measures that have no split, such as free samples. */
export interface Figure {
  readonly name: string;
  readonly unit: '%' | 'dB' | 'ms' | 'scenes' | 'pictures' | 'captions';
  readonly seen?: Measured;
  readonly heldOut?: Measured;
  readonly overall?: Measured;
  /** The least acceptable value of the held-out column, or of the only one: a rate as a fraction. */
  readonly floor?: number;
  /** Held-out values by kind of scene. */
  readonly byKind?: Readonly<Partial<Record<string, Measured>>>;
}

export function rate(successes: number, count: number): Measured {
  return { ...wilson(successes, count), count };
}

export function mean(values: readonly number[]): Measured {
  return { ...meanInterval(values), count: values.length };
}

/** True when the value that the floor is about reaches it; undefined without a floor or a value. */
export function meetsFloor(figure: Figure): boolean | undefined {
  const measured = figure.heldOut ?? figure.overall;
  return figure.floor === undefined || measured === undefined ? undefined : measured.value >= figure.floor;
}

function numberText(value: number, unit: Figure['unit']): string {
  return unit === '%' ? (value * 100).toFixed(1) : value.toFixed(unit === 'dB' ? 1 : 0);
}

function cell(measured: Measured | undefined, unit: Figure['unit']): string {
  if (measured === undefined) return '';
  const text = `${numberText(measured.value, unit)} ${unit}`;
  if (measured.low === undefined || measured.high === undefined) return text;
  return `${text} (${numberText(measured.low, unit)}–${numberText(measured.high, unit)})`;
}

const verdicts = { true: 'yes', false: '**no**', undefined: '' } as const;

function row(figure: Figure): string {
  const { name, unit, seen, heldOut, overall, floor } = figure;
  const count = [seen, heldOut, overall].find(measured => measured !== undefined)?.count ?? 0;
  const least = floor === undefined ? '' : `${numberText(floor, unit)} ${unit}`;
  const cells = [name, count, cell(seen, unit), cell(heldOut, unit), cell(overall, unit), least];
  return `| ${[...cells, verdicts[`${meetsFloor(figure)}`]].join(' | ')} |`;
}

/** The table: seen and held out side by side, 95 % intervals in brackets. */
export function markdownTable(figures: readonly Figure[]): string {
  const head = ['figure', 'n', 'seen', 'held out', 'all', 'at least', 'met'];
  const lines = [`| ${head.join(' | ')} |`, `|${' --- |'.repeat(head.length)}`, ...figures.map(row)];
  return `${lines.join('\n')}\n`;
}

/** The second table: held-out values by kind of item, one column for each of `kinds`. */
export function kindTable(figures: readonly Figure[], kinds: readonly string[]): string {
  const rows = figures
    .filter(figure => figure.byKind !== undefined)
    .map(({ name, unit, byKind }) => {
      const cells = kinds.map(kind => cell(byKind?.[kind], unit));
      return `| ${[name, ...cells].join(' | ')} |`;
    });
  const head = ['held out, by kind', ...kinds];
  return `${[`| ${head.join(' | ')} |`, `|${' --- |'.repeat(head.length)}`, ...rows].join('\n')}\n`;
}
