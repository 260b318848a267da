import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { createProgressBar, progressLine } from './progress-bar.ts';

it('draws a bar on a terminal only', () => {
  const stderr = Object.assign(new PassThrough(), { isTTY: true, columns: 60 });
  const before = process.env['CI'];
  delete process.env['CI'];
  const bar = createProgressBar(stderr, 't2i');
  bar.update(1, 4);
  bar.clear();
  if (before !== undefined) process.env['CI'] = before;
  expect(String(stderr.read())).toMatch(/t2i .*━.* 1\/4/);
  expect(progressLine('a very long label indeed', 5, 4, 'and text', 40).length).toBeLessThan(80);
});
