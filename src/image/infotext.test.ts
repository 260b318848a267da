import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatInfotext, parseInfotext } from './infotext.ts';

const line = fc.string({ unit: 'grapheme', maxLength: 30 });
const prompts = fc
  .array(line, { maxLength: 4 })
  .map(lines => lines.join('\n').trim())
  .filter(text => !/^\s*Negative prompt:/m.test(text));
const keys = fc.stringMatching(/^[A-Za-z_][\w /-]{0,20}[a-z]$/);
const settings = fc
  .uniqueArray(fc.tuple(keys, line), { selector: ([key]) => key, minLength: 3, maxLength: 12 })
  .map(pairs => Object.fromEntries(pairs));

describe('infotext', () => {
  it('survives the round trip', () => {
    fc.assert(
      fc.property(prompts, prompts, settings, (prompt, negativePrompt, pairs) => {
        const infotext = { prompt, negativePrompt, settings: pairs };
        expect(parseInfotext(formatInfotext(infotext))).toEqual(infotext);
      }),
    );
  });

  it('is written as A1111 writes it', () => {
    const text = formatInfotext({
      prompt: 'a cat,\nin a hat',
      negativePrompt: 'blur',
      settings: { Steps: '50', Sampler: 'DPM++ 2M', 'CFG scale': '7', Seed: '42', Model: 'a: b, c' },
    });
    expect(text).toBe(
      'a cat,\nin a hat\nNegative prompt: blur\nSteps: 50, Sampler: DPM++ 2M, CFG scale: 7, Seed: 42, Model: "a: b, c"',
    );
  });

  it('reads a picture of A1111', () => {
    const text = [
      'masterpiece, (cat:1.2)',
      'Negative prompt: blurry,',
      'lowres',
      'Steps: 20, Sampler: Euler a, Schedule type: Automatic, CFG scale: 7, Seed: 965400086, Size: 512x512, ' +
        'Model hash: 6ce0161689, Lora hashes: "a: 1, b: 2", Denoising strength: 0.7, Version: v1.10.1',
    ].join('\n');
    const { prompt, negativePrompt, settings: pairs } = parseInfotext(text);
    expect([prompt, negativePrompt]).toEqual(['masterpiece, (cat:1.2)', 'blurry,\nlowres']);
    expect(pairs).toMatchObject({ Steps: '20', Seed: '965400086', 'Lora hashes': 'a: 1, b: 2', Version: 'v1.10.1' });
  });

  it('takes a last line of prose for prompt', () => {
    const text = 'time: noon\nplace: here, mood: good';
    expect(parseInfotext(text)).toEqual({ prompt: text, negativePrompt: '', settings: {} });
    expect(parseInfotext('')).toEqual({ prompt: '', negativePrompt: '', settings: {} });
  });

  it('reads any text, also what would be slow or poisonous', () => {
    fc.assert(
      fc.property(fc.string(), text => {
        parseInfotext(text);
      }),
    );
    for (const text of ['a:"\\', ':'.repeat(1e6), 'ab:"x,'.repeat(2e5), 'a '.repeat(5e5)]) parseInfotext(text);
    const { settings: pairs } = parseInfotext('__proto__: x, constructor: y, Steps: 1');
    expect(Object.keys(pairs)).toEqual(['__proto__', 'constructor', 'Steps']);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });
});
