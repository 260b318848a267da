import { describe, expect, it } from 'vitest';
import { countOf, inputsOf, labelOf, modesOf, settingsOf, tabNeedingPicture, tabsOf, titleOf } from './calls.ts';
import { drawingModel, known, talkingModel } from './testing/known.ts';

const namesOf = (mode: string, kind: 'words' | 'pictures' = 'words', capabilities = known) =>
  settingsOf(capabilities.calls[mode]!, kind, capabilities).map(([name]) => name);

describe('tabs', () => {
  it('hold every mode of a model that does all', () => {
    expect(Object.fromEntries(tabsOf(known).map(tab => [tab, modesOf(tab, known)]))).toEqual({
      draw: ['t2i'],
      describe: ['i2t'],
      imagine: ['joint', 'i', 't', 'gibbs'],
      vary: ['i2t2i', 't2i2t', 'interpolate'],
      inpaint: ['inpaint'],
    });
    expect(tabNeedingPicture(known)).toBe('describe');
  });

  it('are one for conversations', () => {
    expect(tabsOf(talkingModel)).toEqual(['chat']);
    expect(tabNeedingPicture(talkingModel)).toBeUndefined();
    expect(namesOf('chat', 'words', talkingModel)).toEqual(
      expect.arrayContaining(['max_tokens', 'temperature', 'stop', 'draw', 'steps']),
    );
  });

  it('are fewer where the model does less, and hold modes that nobody here has heard of', () => {
    expect(tabsOf(drawingModel)).toEqual(['draw', 'vary', 'inpaint']);
    expect(modesOf('vary', drawingModel)).toEqual(['i2i']);
    expect(tabNeedingPicture(drawingModel)).toBe('vary');
    expect([titleOf('i2i', drawingModel), titleOf('gone', drawingModel), titleOf('t2i', null)]).toEqual([
      'Variation',
      'gone',
      't2i',
    ]);
  });
});

describe('inputs', () => {
  it.each([
    ['t2i', 'words', ['prompt'], []],
    ['i2t', 'words', ['image'], []],
    ['joint', 'words', [], []],
    ['gibbs', 'words', [], ['prompt', 'image']],
    ['i2t2i', 'words', ['image'], ['prompt']],
    ['interpolate', 'words', ['prompt', 'prompt2'], []],
    ['interpolate', 'pictures', ['image', 'image2'], []],
    ['inpaint', 'pictures', ['image', 'mask'], ['prompt']],
    ['inpaint', 'words', ['prompt'], []],
  ] as const)('of %s with %s', (mode, kind, needed, optional) => {
    expect(inputsOf(known.calls[mode]!, kind)).toEqual({ needed, optional });
  });

  it('of another family leave no choice where there is none', () => {
    for (const kind of ['words', 'pictures'] as const) {
      const { needed, optional } = inputsOf(drawingModel.calls['inpaint']!, kind);
      expect([needed, optional]).toEqual([['image', 'prompt', 'mask'], []]);
    }
  });
});

describe('settings', () => {
  it('are the options that act on something that is shown', () => {
    expect(namesOf('t2i')).toEqual(expect.arrayContaining(['steps', 'guidance', 'solver', 'negative_prompt']));
    expect(namesOf('t')).not.toContain('guidance');
    expect(namesOf('joint')).toContain('order');
    expect(namesOf('inpaint', 'pictures')).toContain('strength');
    expect(namesOf('inpaint', 'words')).not.toContain('strength');
    expect(namesOf('t2i', 'words', drawingModel)).toContain('width');
  });

  it('do not hold what repeats, which has a field of its own', () => {
    expect(['t2i', 'gibbs', 'interpolate'].map(mode => countOf(known.calls[mode]!))).toEqual(['n', 'rounds', 'frames']);
    expect([...namesOf('gibbs'), ...namesOf('interpolate')]).not.toContain('rounds');
  });

  it("go by the server's names, or by their own", () => {
    expect(labelOf('negative_prompt', known.options['negative_prompt'])).toBe('Negative prompt');
    expect(labelOf('sparkle_level', {})).toBe('Sparkle level');
  });
});
