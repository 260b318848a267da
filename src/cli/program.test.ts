/** What all commands have in common: refusals, exit codes, help. And the commands that make files of models. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { commandLine } from '../../test/support/command-line.ts';

const { at, duet } = commandLine();

describe('errors', () => {
  it.each([
    [['t2i'], /missing required argument 'caption'/],
    [['t2i', 'x', '--steps', 'many'], /'many' is invalid\. Expected a whole number from 1 to 1000/],
    [['t2i', 'x', '--solver', 'plms'], /Allowed choices are dpm-multistep, dpm-multistep-sde, .*ddim/],
    [['t2i', 'x', '--sede', '1'], /Did you mean --seed/],
    [['t2i', ' '], /caption is empty/],
    [['t2i', 'x', '-o', 'x.bmp'], /Cannot write a \.bmp file/],
    [['t2i', 'x', '-o', '-', '--json'], /both want standard output/],
    [['image', '-o', '/dev/null/x.png'], /Cannot write \/dev\/null\/x\.png.*another --out/],
    [['image', '-o', '/proc/duet/x.png'], /Cannot write \/proc\/duet\/x\.png.*takes no new folders.*another --out/],
    [['image', '-o', '/proc/duet/'], /Cannot write \/proc\/duet\/.*takes no new folders/],
    [['image', '-o', ''], /name of the file to write is empty/],
    [['demo', '-o', '/proc/duet'], /takes no new folders/],
    [['eval', '-o', '/proc/duet/x.md'], /takes no new folders/],
    [['eval', '-o', '/tmp'], /\/tmp is a folder/],
    [['pack', 'models/emoji', '/proc/duet'], /takes no new folders/],
    [['train', 'configs/emoji/01-autoencoder.json', '-o', '/proc/duet'], /takes no new folders/],
    [['train', 'configs/emoji/01-autoencoder.json', '--cache', '/proc/duet'], /takes no new folders/],
    [['i2t', '/nowhere.png'], /Cannot open the picture \/nowhere\.png/],
    [['paint'], /unknown command 'paint'/],
    [['inpaint'], /the mode inpaint needs image or prompt/],
    [['interpolate', 'a cat'], /missing required argument 'to'/],
    [['gibbs', '--rounds', '0'], /'0' is invalid\. Expected a whole number from 1 to 1000/],
    [['eval', '--model', '/nowhere'], /There is no model "\/nowhere"/],
  ])('exits with 2 for %j and says why without a stack', async (args, message) => {
    const { code, stderr } = await duet(args);
    expect([code, stderr.text]).toEqual([2, expect.stringMatching(message)]);
    expect(stderr.text).not.toMatch(/ at .*\.ts/);
  });

  it('shows the stack with --debug', async () => {
    const { code, stderr } = await duet(['i2t', '/nowhere.png', '--debug']);
    expect([code, stderr.text]).toEqual([2, expect.stringMatching(/ at .*\.ts/)]);
  });

  it('refuses what is not a picture', async () => {
    await writeFile(at('text.png'), 'hello');
    const { code, stderr } = await duet(['i2t', at('text.png')]);
    expect([code, stderr.text]).toEqual([2, expect.stringMatching(/not a picture that can be read/)]);
  });

  it('exits with 130 when cancelled', async () => {
    const { code, stderr } = await duet(['image', '-o', at('never.png')], '', { signal: AbortSignal.abort() });
    expect([code, stderr.text]).toEqual([130, expect.stringMatching(/Cancelled/)]);
  });

  it('exits with 0 after help and version', async () => {
    const help = await duet(['--help']);
    expect([help.code, help.stdout.text]).toEqual([0, expect.stringMatching(/Usage: duet/)]);
    const version = await duet(['--version']);
    expect([version.code, version.stdout.text]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]);
  });
});

describe('demo and pack', () => {
  it('shows drawn, described and imagined pairs on a page', async () => {
    const { code, stdout } = await duet(['demo', '--model', at('model'), '-o', at('demo')]);
    expect([code, stdout.text]).toEqual([0, expect.stringMatching(/8 captions drawn, 8 pictures described, 8 pairs/)]);
    expect((await readdir(at('demo'))).sort()).toEqual([
      'image-to-text.png',
      'index.html',
      'joint.png',
      'text-to-image.png',
    ]);
    expect(await readFile(at('demo/index.html'), 'utf8')).toMatch(/an apple/);
  });

  it('packs a model to half its size', async () => {
    const { code } = await duet(['pack', at('model'), at('packed'), '--name', 'small']);
    expect(code).toBe(0);
    expect(JSON.parse(await readFile(at('packed/config.json'), 'utf8')).name).toBe('small');
    const [whole, half] = [await readFile(at('model/uvit.safetensors')), await readFile(at('packed/uvit.safetensors'))];
    expect(half.length).toBeLessThan(whole.length * 0.75);
  });
});
