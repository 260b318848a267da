import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AnswerForm, AnswerSample, AnswerSource } from './answer-source.ts';
import { openAnswers } from './open-answers.ts';

/** The original's form, with words of our own. */
const form: AnswerForm = {
  prompt: {
    system: '',
    user: '###Human: ',
    assistant: '###Assistant: ',
    separator: ' ',
    image: '<Img><ImageHere></Img>',
    stop: ['###'],
  },
  templates: {
    captions: { system: 'You draw. ', draw: ['Draw {caption}!'] },
    stories: { system: 'You tell. ', draw: ['Show: {caption}'], next: ['What next?'], tell: ['What is this?'] },
    dialogues: { system: 'You talk. ' },
  },
  vokens: '[IMG0][IMG1]',
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'duet-answers-'));
  // Each picture is as wide as its number, by which it is told.
  const names = [
    'cc/val/1.jpg',
    'cc/val/2.jpg',
    'vist/a/3.jpg',
    'vist/a/4.jpg',
    'vist/5.jpg',
    'mm/test/k6.jpg',
    'own/pictures/7.png',
  ];
  for (const name of names) {
    const file = join(folder, name);
    await mkdir(dirname(file), { recursive: true });
    const width = Number(/(\d)\./.exec(name)![1]);
    await sharp({ create: { width, height: 3, channels: 3, background: '#804020' } }).toFile(file);
  }
  await write('cc/cc3m_val.tsv', 'caption\timage_path\nA Dog, (two) cats!\tval/1.jpg\na tree\tval/2.jpg\n');
  const step = (caption: string, id: string, index: number) => ({ caption, image_id: id, sequence_index: index });
  await write(
    'vist/train_cleaned.json',
    JSON.stringify({ s1: [step('then this', '4', 1), step('first', '3', 0), step('last', '5', 2)] }),
  );
  await write('vist/train_image_mapping.json', JSON.stringify({ 3: 'a/3.jpg', 4: 'a/4.jpg', 5: '5.jpg' }));
  const turn = (text: string, media?: string) => ({
    turn: [{ __TEXT__: text }, ...(media ? [{ __MEDIA__: media }] : [])],
  });
  const said = ['one', 'two', 'three', 'four', 'five', 'six'].map((word, at) =>
    turn(word, at === 1 ? 'k6' : undefined),
  );
  await write(
    'mm/test/test_conversations.txt',
    [
      { conversation_id: 1, conversation: said },
      { conversation_id: 2, conversation: [turn('a'), turn('b', 'missing'), turn('c')] },
      { conversation_id: 3, conversation: [turn('a'), turn('photo.jpg')] },
    ]
      .map(line => JSON.stringify(line))
      .join('\n'),
  );
  const image = { type: 'image', image: 'pictures/7.png' };
  await write(
    'own/dialogues.jsonl',
    `${JSON.stringify({
      messages: [
        { role: 'system', content: 'Be kind. ' },
        { role: 'user', content: [image, { type: 'text', text: ' what?' }] },
        {
          role: 'assistant',
          content: [
            { type: 'text', text: 'A wall. ' },
            { ...image, caption: 'a wall' },
          ],
        },
        { role: 'user', content: 'thanks' },
        { role: 'assistant', content: 'Gladly.' },
      ],
    })}\n\n`,
  );
});
afterAll(() => rm(folder, { recursive: true }));

const write = (name: string, text: string) => writeFile(join(folder, name), text);
const at = (name: string) => join(folder, name);

function samplesOf(source: AnswerSource): AnswerSample[] {
  return Array.from({ length: source.size }, (_, index) => source.sample(index));
}

/** Their texts, and the widths of their pictures. */
async function told({ source, given, target, drawn }: AnswerSample) {
  const widths = async (pictures: readonly (() => Promise<{ width: number }>)[]) =>
    Promise.all(pictures.map(async picture => (await picture()).width));
  return {
    source,
    given: await widths(given),
    target,
    drawn: await widths(drawn.map(({ picture }) => picture)),
    captions: drawn.map(({ caption }) => caption),
  };
}

describe('answers to learn', () => {
  it('of captioned pictures: the caption is answered by its picture, now and then asked for in a sentence', async () => {
    const data = { source: 'captions', path: at('cc'), clean: true, requestEvery: 2 } as const;
    const all = await Promise.all(samplesOf(await openAnswers(data, form, 1)).map(told));
    expect(all).toEqual([
      {
        source: 'a dog, two cats',
        given: [],
        target: '[IMG0][IMG1] ###',
        drawn: [1],
        captions: ['A Dog, (two) cats!'],
      },
      { source: 'a tree', given: [], target: '[IMG0][IMG1] ###', drawn: [2], captions: ['a tree'] },
      {
        source: 'You draw. ###Human: Draw a dog, two cats! ###Assistant:',
        given: [],
        target: '[IMG0][IMG1] ###',
        drawn: [1],
        captions: ['A Dog, (two) cats!'],
      },
    ]);
    const plain = await openAnswers({ ...data, clean: false, requestEvery: 0 }, { ...form, templates: {} }, 1);
    expect(samplesOf(plain).map(({ source }) => source)).toEqual(['A Dog, (two) cats!', 'a tree']);
  });

  it('of stories: drawn, gone on with and told, from the steps before', async () => {
    const data = { source: 'stories', path: at('vist'), split: 'train' } as const;
    const all = await Promise.all(samplesOf(await openAnswers(data, form, 1)).map(told));
    const vokens = '[IMG0][IMG1] ###';
    const seen = '<Img><ImageHere></Img>';
    expect(all).toHaveLength(7);
    expect(all[0]).toEqual({
      source: 'You tell. ###Human: Show: first ###Assistant:',
      given: [],
      target: vokens,
      drawn: [3],
      captions: ['first'],
    });
    expect(all.slice(4)).toEqual([
      {
        source: `You tell. ###Human:first${seen}then this${seen}\n Show: last ###Assistant:`,
        given: [3, 4],
        target: vokens,
        drawn: [5],
        captions: ['last'],
      },
      {
        source: `You tell. ###Human:first${seen}then this${seen}\n What next? ###Assistant:`,
        given: [3, 4],
        target: `last ${vokens}`,
        drawn: [5],
        captions: ['last'],
      },
      {
        source: `You tell. ###Human:first${seen}then this${seen}\n What is this? ${seen} ###Assistant:`,
        given: [3, 4, 5],
        target: 'last ###',
        drawn: [],
        captions: [],
      },
    ]);
  });

  it('of conversations: both sides, within a window of two exchanges, up to what is broken', async () => {
    const warnings: string[] = [];
    const data = { source: 'conversations', path: at('mm'), split: 'test' } as const;
    const source = await openAnswers(data, form, 1, message => warnings.push(message));
    const all = await Promise.all(samplesOf(source).map(told));
    expect(all.map(sample => sample.source)).toEqual([
      'You talk. ###Human: one ###Assistant:',
      'You talk. ###Human: one ###Assistant: two <Img><ImageHere></Img> ###Human:',
      'You talk. ###Human: one ###Assistant: two <Img><ImageHere></Img> ###Human: three ###Assistant:',
      'You talk. ###Human: three ###Assistant: four ###Human:',
      'You talk. ###Human: three ###Assistant: four ###Human: five ###Assistant:',
    ]);
    expect(all.map(({ target }) => target)).toEqual([
      'two [IMG0][IMG1] ###',
      'three ###',
      'four ###',
      'five ###',
      'six ###',
    ]);
    expect(all.map(({ given, drawn }) => [given, drawn])).toEqual([
      [[], [6]],
      [[6], []],
      [[6], []],
      [[], []],
      [[], []],
    ]);
    expect(warnings).toEqual([expect.stringMatching(/missing\.jpg: its conversation ends before it/)]);
  });

  it('of dialogues of one’s own: every answer', async () => {
    const data = { source: 'messages', path: at('own/dialogues.jsonl') } as const;
    const first = {
      source: 'Be kind. ###Human: <Img><ImageHere></Img> what? ###Assistant:',
      given: [7],
      target: 'A wall. [IMG0][IMG1] ###',
      drawn: [7],
      captions: ['a wall'],
    };
    const answered = '###Assistant: A wall. <Img><ImageHere></Img> ###Human: thanks ###Assistant:';
    const second = { given: [7, 7], target: 'Gladly. ###', drawn: [], captions: [] };
    expect(await Promise.all(samplesOf(await openAnswers(data, form, 1)).map(told))).toEqual([
      first,
      { ...second, source: `${first.source.replace('###Assistant:', answered)}` },
    ]);
    const own = { ...form, prompt: { ...form.prompt, drawn: 'vokens' as const } };
    expect(await told((await openAnswers(data, own, 1)).sample(1))).toMatchObject({
      given: [7],
      source: expect.stringContaining('A wall. [IMG0][IMG1] ###Human'),
    });
  });
});

describe('data that cannot be learned', () => {
  const refused = async (name: string, lines: string, message: RegExp) => {
    await write(name, lines);
    await expect(openAnswers({ source: 'messages', path: at(name) }, form, 1)).rejects.toThrow(message);
  };
  const line = (...messages: unknown[]) => JSON.stringify({ messages });
  const asked = { role: 'user', content: 'a' };
  const answered = { role: 'assistant', content: 'b' };

  it('are refused with the line', async () => {
    await refused('empty.jsonl', '\n', /has no lines/);
    await refused('text.jsonl', `${line(asked, answered)}\nno\n`, /line 2 is not JSON/);
    await refused('role.jsonl', line({ role: 'tool', content: 'a' }), /line 1: \/messages\/0/);
    await refused('asked.jsonl', line(asked), /line 1 has no answer/);
    await refused('first.jsonl', line(answered, asked), /line 1 begins with an answer/);
    await refused('system.jsonl', line(asked, { role: 'system', content: 'c' }, answered), /message 2 is the system's/);
    await refused('key.jsonl', line({ role: 'user', content: [{ type: 'image', url: 'a' }] }, answered), /line 1/);
    await write('out.jsonl', line({ role: 'user', content: [{ type: 'image', image: '../a.png' }] }, answered));
    const source = await openAnswers({ source: 'messages', path: at('out.jsonl') }, form, 1);
    expect(() => source.sample(0)).toThrow(/"\.\.\/a\.png" is outside the folder/);
  });

  it('name pictures that are missing, broken or elsewhere', async () => {
    await write(
      'broken.jsonl',
      line({ role: 'user', content: [{ type: 'image', image: 'cc/cc3m_val.tsv' }] }, answered),
    );
    const source = await openAnswers({ source: 'messages', path: at('broken.jsonl') }, form, 1);
    await expect(source.sample(0).given[0]!()).rejects.toThrow(/cc3m_val\.tsv cannot be read/);
    await write('bad_cleaned.json', JSON.stringify({ s: [{ caption: 'a', image_id: 1, sequence_index: 0 }] }));
    await write('bad_image_mapping.json', '{}');
    const bad = { source: 'stories', path: folder, split: 'bad' } as const;
    await expect(openAnswers(bad, form, 1)).rejects.toThrow(/lacks the picture 1 of the story s/);
    await write('bad_image_mapping.json', '{"1": "/etc/passwd"}');
    await expect(openAnswers(bad, form, 1)).rejects.toThrow(/"\/etc\/passwd" is outside the folder/);
    await write('bad_cleaned.json', '{"s": [{}]}');
    await expect(openAnswers(bad, form, 1)).rejects.toThrow(/bad_cleaned\.json: \/s\/0/);
  });

  it('need words that the model has', async () => {
    const without = { ...form, templates: {} };
    const captions = { source: 'captions', path: at('cc'), clean: true, requestEvery: 2 } as const;
    await expect(openAnswers(captions, without, 1)).rejects.toThrow(/promptTemplates\.captions/);
    const stories = { source: 'stories', path: at('vist'), split: 'train' } as const;
    await expect(openAnswers(stories, without, 1)).rejects.toThrow(/promptTemplates\.stories/);
  });
});
