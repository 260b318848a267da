import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { encodeImage } from '../image/index.ts';
import { appendMetrics, cutMetrics, readMetrics } from './metrics.ts';
import { samplesFolder, writeReport } from './report.ts';

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'duet-report-'));
  await use(folder).finally(() => rm(folder, { recursive: true }));
}

it('writes one page that needs nothing else: a curve per figure, pictures inside, names escaped', () =>
  inFolder(async out => {
    for (let step = 1; step <= 1000; step++) await appendMetrics(out, { kind: 'train', step, loss: 1 / step, lr: 0.1 });
    await appendMetrics(out, { kind: 'sample', step: 1000, 'psnr<b>': 21.5 });
    await mkdir(join(out, samplesFolder));
    const png = await encodeImage({ width: 2, height: 2, data: new Uint8Array(12) });
    for (let i = 1; i <= 30; i++)
      await writeFile(join(out, samplesFolder, `step-${String(i).padStart(8, '0')}.png`), png);
    await writeReport(out, 'a <run> & "more"');
    const html = await readFile(join(out, 'report.html'), 'utf8');
    expect(html).not.toMatch(/https?:|<script|<link|@import|url\(/);
    for (const source of html.matchAll(/(?:src|href)="([^"]*)"/g))
      expect(source[1]).toMatch(/^data:image\/png;base64,/);
    expect(html.match(/<svg/g)).toHaveLength(3);
    expect(html).toContain('loss: 0.001 at step 1000');
    expect(html).not.toContain('<run>');
    expect(html).not.toContain('<b>');
    const shown = [...html.matchAll(/step-(\d+)\.png/g)].map(match => Number(match[1]));
    expect(shown[0]).toBe(30); // the newest comes first
    expect(shown.length).toBeLessThanOrEqual(8);
    expect(html.length).toBeLessThan(60_000); // long runs do not make long pages
  }));

it('writes a page for a run that has nothing yet', () =>
  inFolder(async out => {
    await writeReport(out, 'new');
    expect(await readFile(join(out, 'report.html'), 'utf8')).toContain('Step 0.');
  }));

it('cuts the record back to a checkpoint and reads past half a line', () =>
  inFolder(async out => {
    for (const step of [10, 20, 30]) await appendMetrics(out, { kind: 'train', step, loss: 1.23456789 });
    await writeFile(join(out, 'metrics.jsonl'), '{"kind":"train","st', { flag: 'a' });
    expect((await readMetrics(out)).map(({ step }) => step)).toEqual([10, 20, 30]);
    await cutMetrics(out, 20);
    await appendMetrics(out, { kind: 'train', step: 25, loss: 1 });
    expect(await readMetrics(out)).toEqual([
      { kind: 'train', step: 10, loss: 1.23457 },
      { kind: 'train', step: 20, loss: 1.23457 },
      { kind: 'train', step: 25, loss: 1 },
    ]);
  }));
