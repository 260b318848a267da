/** The metrics of a run: one JSON object a line in metrics.jsonl, cut back to the checkpoint when a run is resumed. */
import { appendFile, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Figures at a step; `kind` says what computed them. */
export interface MetricLine {
  readonly kind: 'train' | 'sample';
  readonly step: number;
  readonly [name: string]: number | string;
}

const fileName = 'metrics.jsonl';

/** Appends one line to the run in `out`. */
export async function appendMetrics(out: string, line: MetricLine): Promise<void> {
  await appendFile(join(out, fileName), `${JSON.stringify(rounded(line))}\n`);
}

/** All lines of the run in `out`; half a line at the end (a kill) is left out. */
export async function readMetrics(out: string): Promise<MetricLine[]> {
  const text = await readFile(join(out, fileName), 'utf8').catch(() => '');
  return text.split('\n').flatMap(line => {
    try {
      return line === '' ? [] : [JSON.parse(line) as MetricLine];
    } catch {
      return [];
    }
  });
}

/** Drops what was written after `step`: the steps will be done again. */
export async function cutMetrics(out: string, step: number): Promise<void> {
  const lines = (await readMetrics(out)).filter(line => line.step <= step);
  const file = join(out, fileName);
  await writeFile(`${file}.tmp`, lines.map(line => `${JSON.stringify(line)}\n`).join(''));
  await rename(`${file}.tmp`, file); // a kill meanwhile leaves the old record, whole
}

function rounded(line: MetricLine): Record<string, number | string> {
  const entries = Object.entries(line).map(([name, value]) =>
    typeof value === 'number' ? ([name, Number(value.toPrecision(6))] as const) : ([name, value] as const),
  );
  return Object.fromEntries(entries);
}
