/** The run as one HTML file without outside parts: a curve per figure as SVG, sample grids as embedded PNG. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type MetricLine, readMetrics } from './metrics.ts';

/** Where a run keeps its sample grids: step-00000100.png and so on. */
export const samplesFolder = 'samples';

const chart = { width: 460, height: 200, left: 56, bottom: 22, top: 8, right: 8 } as const;
/** More points than pixels cannot be seen. */
const mostPoints = 460;
/** Grids shown: the newest, and older ones at growing distances. */
const mostGrids = 8;

/** Writes `out`/report.html from what lies in `out`. */
export async function writeReport(out: string, title: string): Promise<void> {
  const lines = await readMetrics(out);
  const grids = await sampleGrids(out);
  await writeFile(join(out, 'report.html'), reportHtml(title, lines, grids));
}

interface Grid {
  readonly name: string;
  readonly base64: string;
}

/** The page; pure. */
export function reportHtml(title: string, lines: readonly MetricLine[], grids: readonly Grid[]): string {
  const names = [...new Set(lines.flatMap(line => Object.keys(line)))].filter(
    name => !['kind', 'step', 'seconds'].includes(name),
  );
  const charts = names.map(name => {
    const points = lines.flatMap(line => {
      const value = line[name];
      return typeof value === 'number' && Number.isFinite(value) ? [{ x: line.step, y: value }] : [];
    });
    return points.length === 0 ? '' : figure(name, points);
  });
  const images = grids.map(
    ({ name, base64 }) =>
      `<figure><img alt="samples" src="data:image/png;base64,${base64}"><figcaption>${name}</figcaption></figure>`,
  );
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escapeHtml(title)}</title>
<style>body{font:14px system-ui;margin:24px;color:#222;background:#fff}section{display:flex;flex-wrap:wrap;gap:16px}
figure{margin:0}figcaption{font-size:12px;color:#555}svg{background:#fafafa}img{image-rendering:pixelated;max-width:100%}</style>
<h1>${escapeHtml(title)}</h1><p>Step ${lines.at(-1)?.step ?? 0}.</p><section>${charts.join('\n')}</section>
<h2>Samples</h2><section>${images.join('\n')}</section></html>
`;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

function figure(name: string, all: readonly Point[]): string {
  const points = thinned(all);
  const [x0, x1] = extent(points.map(({ x }) => x));
  const [y0, y1] = extent(points.map(({ y }) => y));
  const { width, height, left, right, top, bottom } = chart;
  const px = (x: number) => left + ((x - x0) / (x1 - x0)) * (width - left - right);
  const py = (y: number) => height - bottom - ((y - y0) / (y1 - y0)) * (height - top - bottom);
  const path = points.map(({ x, y }, i) => `${i === 0 ? 'M' : 'L'}${px(x).toFixed(1)} ${py(y).toFixed(1)}`).join('');
  const label = (x: number, y: number, anchor: string, text: string) =>
    `<text x="${x}" y="${y}" font-size="11" text-anchor="${anchor}" fill="#555">${text}</text>`;
  const latest = all.at(-1)!;
  return `<figure><svg width="${width}" height="${height}" role="img" aria-label="${escapeHtml(name)}">
<path d="${path}" fill="none" stroke="#2563eb" stroke-width="1.2"/>
${label(left - 4, top + 8, 'end', number(y1))}${label(left - 4, height - bottom, 'end', number(y0))}
${label(left, height - 6, 'start', number(x0))}${label(width - right, height - 6, 'end', number(x1))}
</svg><figcaption>${escapeHtml(name)}: ${number(latest.y)} at step ${latest.x}</figcaption></figure>`;
}

/** At most `mostPoints` points, each the mean of its neighbours. */
function thinned(points: readonly Point[]): Point[] {
  const size = Math.ceil(points.length / mostPoints);
  const groups = Array.from({ length: Math.ceil(points.length / size) }, (_, i) =>
    points.slice(i * size, (i + 1) * size),
  );
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return groups.map(group => ({ x: mean(group.map(({ x }) => x)), y: mean(group.map(({ y }) => y)) }));
}

function extent(values: readonly number[]): [number, number] {
  const low = Math.min(...values);
  const high = Math.max(...values);
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

function number(value: number): string {
  return `${Number(value.toPrecision(4))}`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, char => `&#${char.charCodeAt(0)};`);
}

async function sampleGrids(out: string): Promise<Grid[]> {
  const folder = join(out, samplesFolder);
  const names = (await readdir(folder).catch(() => [])).filter(name => name.endsWith('.png')).sort();
  const step = Math.max(1, Math.ceil(names.length / mostGrids));
  const chosen = names.filter((_, i) => (names.length - 1 - i) % step === 0).reverse();
  return Promise.all(
    chosen.map(async name => ({ name, base64: (await readFile(join(folder, name))).toString('base64') })),
  );
}
