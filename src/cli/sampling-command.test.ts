/** The commands that sample: what they read, draw, print and write. */
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { commandLine } from '../../test/support/command-line.ts';
import { tinyModel } from '../../test/support/tiny-model.ts';
import { tinyModelWithUnet } from '../../test/support/tiny-unet.ts';
import { decodeImage } from '../image/index.ts';
import { writeModelFolder } from '../pipelines/index.ts';

const { at, duet } = commandLine();

describe('pictures', () => {
  it('draws into the file named, as a grid when there are several', async () => {
    const { code, stdout } = await duet([
      't2i',
      'a red apple',
      '-n',
      '3',
      '--seed',
      '4',
      '--columns',
      '3',
      '-o',
      at('grid.webp'),
    ]);
    expect([code, stdout.text]).toEqual([0, `${at('grid.webp')}\n`]);
    const picture = await decodeImage(at('grid.webp'));
    expect([picture.width, picture.height]).toEqual([3 * 18 + 2, 20]);
  });

  it('draws one file each into a folder', async () => {
    const { code, stdout } = await duet(['image', '-n', '2', '--seed', '7', '-o', `${at('many')}/`]);
    expect([code, await readdir(at('many'))]).toEqual([0, ['i-7.png', 'i-8.png']]);
    expect(stdout.text.split('\n').length).toBe(3);
  });

  it('reads the caption from standard input and writes a PNG to standard output, the same for the same seed', async () => {
    const [first, second, other] = [
      await duet(['t2i', '-', '-o', '-', '--seed', '4'], 'a red apple\n'),
      await duet(['t2i', 'a red apple', '-o', '-', '--seed', '4']),
      await duet(['t2i', 'a red apple', '-o', '-', '--seed', '5']),
    ];
    expect(first.stdout.bytes.subarray(1, 4).toString()).toBe('PNG');
    expect(first.stdout.bytes).toEqual(second.stdout.bytes);
    expect(first.stdout.bytes).not.toEqual(other.stdout.bytes);
  });

  it('enlarges on request', async () => {
    await duet(['image', '--enlarge', '4', '-o', at('large.png')]);
    expect((await decodeImage(at('large.png'))).width).toBe(64);
  });
});

describe('a choice of networks', () => {
  it('draws by the one asked for, which the picture tells', async () => {
    await writeModelFolder(at('both'), tinyModelWithUnet());
    const drawnBy = async (...flags: string[]) => {
      await duet(['t2i', 'a red apple', '--seed', '4', '-o', at('by.png'), ...flags], '', { model: 'both' });
      const { stdout } = await duet(['inspect', at('by.png'), '--json']);
      return JSON.parse(stdout.text).parameters.network;
    };
    expect([await drawnBy(), await drawnBy('--network', 'uvit')]).toEqual(['unet', 'uvit']);
  });

  it('is refused where there is none', async () => {
    const { code, stderr } = await duet(['t2i', 'a red apple', '-o', at('no.png'), '--network', 'unet']);
    expect([code, stderr.text]).toEqual([2, expect.stringContaining('The model tiny has no U-Net')]);
  });
});

describe('captions from other systems', () => {
  const drawn = async (input: string | Uint8Array) => {
    const { code, stderr } = await duet(['t2i', '-', '-o', at('piped.png'), '--seed', '4'], input);
    if (code !== 0) return [code, stderr.text];
    const { stdout } = await duet(['inspect', at('piped.png'), '--json']);
    return JSON.parse(stdout.text).parameters.prompt;
  };

  it('are read with the line ends and the encodings of Windows', async () => {
    expect(await drawn('a red apple\r\n')).toBe('a red apple');
    expect(await drawn('a red apple,\r\na dog\r\n')).toBe('a red apple,\na dog');
    expect(await drawn('\ufeffa red apple\r\n')).toBe('a red apple');
    expect(await drawn(Buffer.from('\ufeffa red apple\r\n', 'utf16le'))).toBe('a red apple');
  });

  it('are refused if they are no text', async () => {
    const refused = [2, expect.stringMatching(/The caption on standard input .*save it as UTF-8/)];
    expect(await drawn(Buffer.from('ein Käse', 'latin1'))).toEqual(refused);
    expect(await drawn(Buffer.from('a red apple', 'utf16le'))).toEqual(refused);
  });
});

describe('captions', () => {
  it('describes a picture from a file or standard input, one line each', async () => {
    await duet(['image', '--seed', '1', '-o', at('picture.png')]);
    const fromFile = await duet(['i2t', at('picture.png'), '-n', '2', '--seed', '1']);
    const fromStdin = await duet(['i2t', '-', '-n', '2', '--seed', '1'], await readFile(at('picture.png')));
    expect(fromFile.code).toBe(0);
    expect(fromFile.stdout.text).toBe(fromStdin.stdout.text);
  });

  it('describes a picture behind an address', async () => {
    await duet(['image', '--seed', '1', '-o', at('served picture.png')]);
    const bytes = await readFile(at('served picture.png'));
    const server = createServer((_, response) => response.end(bytes));
    await new Promise<void>(resolve => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a.png`;
    const captions = async (picture: string) => (await duet(['i2t', picture, '--seed', '1'])).stdout.text;
    const expected = await captions(at('served picture.png'));
    expect(expected).not.toBe('');
    expect(await captions(address)).toBe(expected);
    expect(await captions(pathToFileURL(at('served picture.png')).href)).toBe(expected);
    expect(await captions(`data:image/png;base64,${bytes.toString('base64')}`)).toBe(expected);
    expect((await duet(['inspect', address])).stdout.text).toContain('Seed: 1');
    server.closeAllConnections();
    await new Promise(resolve => {
      server.close(resolve);
    });
    const { code, stderr } = await duet(['i2t', address]);
    expect([code, stderr.text]).toEqual([2, expect.stringMatching(/Cannot get the picture http:.*ECONNREFUSED/)]);
  });

  it.each([[['text', '-n', '2']], [['rephrase', 'a red apple', '-n', '2']]])('prints %j as JSON', async args => {
    const { code, stdout } = await duet([...args, '--seed', '3', '--json']);
    expect(code).toBe(0);
    const { samples, timings, files } = JSON.parse(stdout.text);
    expect(samples).toEqual([
      { seed: 3, caption: expect.any(String) },
      { seed: 4, caption: expect.any(String) },
    ]);
    expect([files, timings.total > 0]).toEqual([[], true]);
  });

  it('warns of words that the model does not know', async () => {
    const { stderr } = await duet(['t2i', 'a purple zebra', '-o', at('zebra.png')]);
    expect(stderr.text).toMatch(/Warning:.* does not know "purple", "zebra"/);
    expect((await duet(['t2i', 'a red apple', '-o', at('apple.png')])).stderr.text).toBe('');
    const long = 'a red apple and a dog and a cat';
    expect((await duet(['t2i', long, '-o', at('long.png')])).stderr.text).toMatch(/longer than the model reads/);
  });

  it('warns of a picture that looks unlike what the model knows, where that was measured', async () => {
    const picture = at('grey.png');
    await sharp({ create: { width: 16, height: 16, channels: 3, background: 'grey' } }).toFile(picture);
    expect((await duet(['i2t', picture])).stderr.text).toBe('');
    const { config, ...model } = tinyModel();
    const measured = { ...config, familiarity: { timestep: 150, threshold: 1000 } };
    await writeModelFolder(at('measured'), { ...model, config: measured });
    const { stdout, stderr } = await duet(['i2t', picture, '--json'], '', { model: 'measured' });
    expect(stderr.text).toMatch(/Warning:.* looks unlike what the model knows/);
    expect(JSON.parse(stdout.text)).toMatchObject({ familiarity: expect.any(Number), isFamiliar: false });
  });
});

describe('pairs', () => {
  it('prints captions beside files, and says both in JSON', async () => {
    const { code, stdout } = await duet(['joint', '-n', '2', '--seed', '5', '-o', `${at('pairs')}/`, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout.text).samples).toEqual([
      { seed: 5, caption: expect.any(String), image: join(at('pairs'), 'joint-5.png') },
      { seed: 6, caption: expect.any(String), image: join(at('pairs'), 'joint-6.png') },
    ]);
  });

  it('keeps standard output for the picture when it goes there', async () => {
    await duet(['image', '--seed', '1', '-o', at('given.png')]);
    const { stdout, stderr } = await duet(['vary', at('given.png'), '-o', '-', '--seed', '2']);
    expect(stdout.bytes.subarray(1, 4).toString()).toBe('PNG');
    expect(stderr.text).not.toBe('');
  });
});

describe('chains', () => {
  it('shows a Gibbs chain as one row, its captions below one another', async () => {
    const { code, stdout } = await duet([
      'gibbs',
      'a red apple',
      '--rounds',
      '2',
      '--seed',
      '1',
      '-o',
      at('chain.png'),
    ]);
    expect([code, stdout.text.split('\n').slice(0, 2)]).toEqual([0, [at('chain.png'), 'a red apple']]);
    expect(stdout.text.split('\n')).toHaveLength(5);
    expect((await decodeImage(at('chain.png'))).width).toBe(3 * 18 + 2);
    const { stdout: json } = await duet([
      'gibbs',
      '--rounds',
      '1',
      '-n',
      '2',
      '--seed',
      '1',
      '-o',
      `${at('links')}/`,
      '--json',
    ]);
    expect(JSON.parse(json.text).samples).toHaveLength(4);
    expect((await readdir(at('links'))).sort()).toEqual(['1-0', '1-1', '2-0', '2-1'].map(name => `gibbs-${name}.png`));
  });

  it('interpolates pictures and captions into a strip and an animation', async () => {
    await duet(['image', '--seed', '1', '-o', at('from.png')]);
    const args = ['interpolate', at('from.png'), 'a dog', '--frames', '4', '--seed', '2'];
    const { code, stdout } = await duet([...args, '-o', at('way.png')]);
    expect([code, stdout.text.split('\n').slice(0, 2)]).toEqual([0, [at('way.png'), at('way.webp')]]);
    expect((await decodeImage(at('way.png'))).width).toBe(4 * 18 + 2);
    const { pages, pageHeight, width, loop } = await sharp(at('way.webp'), { pages: -1 }).metadata();
    expect({ pages, pageHeight, width, loop }).toEqual({ pages: 6, pageHeight: 16, width: 16, loop: 0 });
    const alone = await duet([...args, '-o', at('alone.webp'), '--json']);
    expect(JSON.parse(alone.stdout.text)).toMatchObject({ files: [at('alone.webp')], prompt2: 'a dog', frames: 4 });
    expect((await duet([...args, '-o', '-'])).stdout.bytes.subarray(1, 4).toString()).toBe('PNG');
  });

  it('repaints under a mask, and fills the gaps of a caption', async () => {
    await duet(['image', '--seed', '1', '-o', at('whole.png')]);
    const white = { width: 8, height: 16, channels: 3 as const, background: '#fff' };
    const black = { ...white, background: '#000' };
    const mask = sharp({ create: { ...black, width: 16 } }).composite([{ input: { create: white }, left: 8, top: 0 }]);
    await mask.png().toFile(at('mask.png'));
    const args = ['inpaint', at('whole.png'), '--mask', at('mask.png'), '--seed', '3', '-o', at('painted.png')];
    expect((await duet([...args, '--caption', 'a dog'])).code).toBe(0);
    const [before, after] = [await decodeImage(at('whole.png')), await decodeImage(at('painted.png'))];
    const left = (data: Uint8Array) => data.filter((_, i) => Math.floor(i / 3) % 16 < 8);
    expect(left(after.data)).toEqual(left(before.data));
    expect(after.data).not.toEqual(before.data);
    const gaps = ['inpaint', at('whole.png'), '--caption', 'a _ dog', '--seed', '1', '-o', at('filled.png')];
    const { stdout, stderr } = await duet([...gaps, '--json']);
    expect(stderr.text).toBe('');
    expect(JSON.parse(stdout.text).samples[0].caption).toMatch(/^a [a-z]+ dog$/);
  });
});
