/** `duet ask` and `duet chat` with tiny LLaVA and BLIP-2 folders: what they say means nothing, but comes the same each time. */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { commandLine } from '../../test/support/command-line.ts';

const model = fileURLToPath(new URL('../../test/golden/data/checkpoints/llava-hf/', import.meta.url));
const blip2 = fileURLToPath(new URL('../../test/golden/data/checkpoints/blip2-opt-hf/', import.meta.url));
const { at, duet } = commandLine();
const settings = ['--model', model, '--max-tokens', '6', '--temperature', '0', '--threads', '1'];
let picture: string;
beforeAll(async () => {
  picture = at('picture.png');
  const red = { width: 24, height: 16, channels: 3, background: { r: 200, g: 20, b: 30 } } as const;
  await writeFile(picture, await sharp({ create: red }).png().toBuffer());
});

describe('duet ask', () => {
  it('answers in words, or as JSON with the settings', async () => {
    const { code, stdout } = await duet(['ask', picture, 'what is it', ...settings, '--seed', '1']);
    expect(code).toBe(0);
    const json = JSON.parse(
      (await duet(['ask', picture, 'what is it', ...settings, '--json', '--seed', '1'])).stdout.text,
    );
    expect(stdout.text).toBe(`${json.text}\n`);
    expect(json).toMatchObject({ finishReason: 'length', answerTokens: 6, seed: 1 });
    const piped = await duet(['ask', '-', 'what is it', ...settings], await readFile(picture));
    expect(piped.stdout.text).toBe(stdout.text);
  });

  it('captions a picture without a question', async () => {
    const captioned = await duet(['ask', picture, ...settings, '--model', blip2]);
    const asked = await duet(['ask', picture, 'what is it', ...settings, '--model', blip2]);
    expect([captioned.code, asked.code]).toEqual([0, 0]);
    expect(captioned.stdout.text.trim()).not.toBe('');
    expect(captioned.stdout.text).not.toBe(asked.stdout.text);
  });

  it('says what is missing or wrong', async () => {
    const refused = async (args: readonly string[], message: RegExp) => {
      const { code, stderr } = await duet(args);
      expect([code, stderr.text]).toEqual([2, expect.stringMatching(message)]);
    };
    await refused(['ask', picture, 'what', '--model', 'nonexistent'], /no model "nonexistent".*emoji-chat/);
    await refused(['ask', picture, ' ', ...settings], /is empty/);
    await refused(['ask', at('nowhere.png'), 'what', ...settings], /nowhere.png/);
    await refused(['ask', picture, 'what', ...settings, '--draw', 'always'], /does not draw/);
    await refused(['ask', picture, 'what', '--model', at('model')], /a chat model's family is minigpt5/);
  });
});

describe('duet chat', () => {
  it('takes messages and pictures line by line, and remembers what was said', async () => {
    const saved = at('talk.md');
    const lines = [
      `/image ${picture}`,
      'what is it',
      'and now',
      `/save ${saved}`,
      '/new',
      `/image ${picture}`,
      'what is it',
      '/quit',
      'no',
    ];
    const { code, stdout, stderr } = await duet(['chat', ...settings], lines.join('\n'));
    expect([code, stderr.text]).toEqual([0, expect.stringContaining('Talking with llava-hf')]);
    const alone = await duet(['ask', picture, 'what is it', ...settings]);
    expect(stdout.text.startsWith(alone.stdout.text)).toBe(true);
    expect(stdout.text.endsWith(alone.stdout.text)).toBe(true);
    expect(stdout.text.length).toBeGreaterThan(2 * alone.stdout.text.length);
    const record = await readFile(saved, 'utf8');
    expect(record).toContain('**You:** what is it');
    expect(record).toContain('**You:** and now');
    expect(record).toContain(`![](${encodeURI(picture)})`);
  });

  it('goes on after what it cannot do, and ends with its input', async () => {
    const lines = [
      '/image',
      `/image ${at('nowhere.png')}`,
      '/seed -1',
      '/nothing',
      '/save',
      'tell me <image>',
      '/help',
      '/seed 3',
      'a',
    ];
    const { code, stdout, stderr } = await duet(['chat', ...settings], lines.join('\n'));
    expect(code).toBe(0);
    for (const message of [
      /needs the path/,
      /nowhere.png/,
      /whole number below/,
      /no command \/nothing/,
      /name of the file/,
      /stands for a picture/,
    ]) {
      expect(stderr.text).toMatch(message);
    }
    expect(stderr.text).toContain('/image PATH');
    expect(stdout.text.trim()).not.toBe('');
  });

  it('is cancelled by its signal', async () => {
    const controller = new AbortController();
    controller.abort(new Error('Ctrl-C'));
    const { code } = await duet(['chat', ...settings], 'a', { signal: controller.signal });
    expect(code).toBe(130);
  });
});
