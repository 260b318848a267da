import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { commandLine } from '../../test/support/command-line.ts';
import { withParameters } from '../image/index.ts';

const { at, duet } = commandLine();

describe('inspect', () => {
  it('tells how a picture was made, by model or not, from a file or standard input', async () => {
    await duet(['t2i', 'a red apple', '--negative', 'a dog', '--seed', '4', '-o', at('made.png')]);
    const { code, stdout } = await duet(['inspect', at('made.png')]);
    expect(code).toBe(0);
    expect(stdout.text).toMatch(
      /^a red apple\nNegative prompt: a dog\nSteps: 3, Sampler: DPM\+\+ 2M, CFG scale: 2, Seed: 4,/,
    );
    const json = await duet(['inspect', '-', '--json'], await readFile(at('made.png')));
    expect(JSON.parse(json.stdout.text)).toMatchObject({
      prompt: 'a red apple',
      negativePrompt: 'a dog',
      settings: { Size: '16x16', Model: 'tiny' },
      parameters: { mode: 't2i', prompt: 'a red apple', seed: 4, guidance: 2, solver: 'dpm-multistep' },
    });
  });

  it('reads JPEG and WebP too, and the files of a folder', async () => {
    for (const name of ['joint.jpg', 'joint.webp']) {
      await duet(['joint', '--seed', '5', '-o', at(name)]);
      expect((await duet(['inspect', at(name)])).stdout.text).toMatch(/Seed: 5, Size: 16x16/);
    }
    await duet(['joint', '-n', '2', '--seed', '5', '-o', `${at('inspected')}/`]);
    const { stdout } = await duet(['inspect', join(at('inspected'), 'joint-6.png'), '--json']);
    expect(JSON.parse(stdout.text).parameters).toMatchObject({ mode: 'joint', seed: 6, caption: expect.any(String) });
  });

  it('says so when there is nothing to tell, and passes no escape sequences on', async () => {
    const plain = await sharp({ create: { width: 2, height: 2, channels: 3, background: '#fff' } })
      .png()
      .toBuffer();
    const { code, stderr } = await duet(['inspect', '-'], plain);
    expect([code, stderr.text]).toEqual([2, expect.stringMatching(/carries no parameters/)]);
    expect((await duet(['inspect', '-'], 'hello')).stderr.text).toMatch(/not a PNG, JPEG or WebP/);
    expect((await duet(['inspect', '/nowhere.png'])).stderr.text).toMatch(/Cannot open/);
    const hostile = withParameters(plain, {
      mode: 't2i',
      model: 'x',
      version: '1',
      width: 2,
      height: 2,
      seed: 1,
      steps: 1,
      guidance: 1,
      solver: 'ddim',
      prompt: '\u001b[2Jgone',
    });
    expect((await duet(['inspect', '-'], hostile)).stdout.text).not.toContain('\u001b[2J');
  });
});
