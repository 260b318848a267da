import { beforeAll, describe, expect, it } from 'vitest';
import type { ChatPart, ChatTurn, EvalChat } from '../../eval/chat-model.ts';
import { meetsFloor } from '../../eval/report.ts';
import type { Exchange } from '../dialogues/dialogue.ts';
import { drawOne } from '../dialogues/draw.ts';
import { askAboutShown, describeShown } from '../dialogues/sample-dialogue.ts';
import { tellStory } from '../dialogues/story.ts';
import { type SceneFeatures, sceneFeatures } from '../judge/scene-features.ts';
import { render } from '../scenes/render.ts';
import { pair, type Scene, single } from '../scenes/scene.ts';
import { loadSprites, type SpriteSheet } from '../scenes/sprites.ts';
import { editItems, exchangesOf } from './answers.ts';
import { evaluateChat } from './evaluate-chat.ts';
import { oddRequests } from './odd-requests.ts';
import { shown } from './run.ts';
import { isStory } from './stories.ts';

let sprites: SpriteSheet;
let known: SceneFeatures;
beforeAll(async () => {
  sprites = await loadSprites(64);
  known = sceneFeatures(sprites);
});

const run = { seed: 5, count: 12 };

/** What has been said, with what was shown. */
function keyOf(dialogue: readonly ChatTurn[]): string {
  const part = (own: ChatPart) => (own.type === 'text' ? own.text : own.pixels.reduce((sum, value) => sum + value, 0));
  return JSON.stringify(dialogue.map(({ content }) => content.map(part)));
}

/** Knows all the right answers, those to odd requests by their kind. */
function oracle(): EvalChat {
  const answers = new Map<string, readonly ChatPart[]>();
  const learn = (before: readonly ChatTurn[], { user, assistant }: Exchange): ChatTurn[] => {
    const asked: ChatTurn[] = [...before, { role: 'user', content: shown(user, sprites) }];
    const answer = shown(assistant, sprites);
    answers.set(keyOf(asked), answer);
    return [...asked, { role: 'assistant', content: answer }];
  };
  const makers = [undefined, [drawOne], [askAboutShown], [describeShown], undefined, [tellStory]];
  for (const [index, own] of makers.entries()) {
    if (index !== 4) for (const exchange of exchangesOf(run, index + 1, own)) learn([], exchange);
  }
  for (const { first, second } of editItems(run)) learn(learn([], first), second);
  const picture: ChatPart = { type: 'picture', pixels: render(single('fox'), sprites) };
  for (const { words, draws } of oddRequests) {
    const content: ChatPart[] = words === '' ? [] : [{ type: 'text', text: words }];
    const answer: ChatPart = draws ? picture : { type: 'text', text: 'No.' };
    answers.set(keyOf([{ role: 'user', content }]), [answer]);
  }
  return { answer: async dialogue => answers.get(keyOf(dialogue))! };
}

describe('the measures of a chat model', () => {
  it('give one that knows everything everything', async () => {
    const progress = new Set<string>();
    const { figures, odd } = await evaluateChat(oracle(), {
      ...run,
      sprites,
      known,
      onProgress: ({ measure }) => progress.add(measure),
    });
    expect(figures.map(({ name }) => name)).toEqual([
      'draws when asked, and only then',
      'text to image by vokens',
      'drawn picture to true render, median PSNR',
      'questions about a picture',
      'descriptions of a picture',
      'changes over two turns',
      'stories, every picture and its sentence',
      'odd requests, an answer of the right kind',
    ]);
    for (const figure of figures) {
      expect((figure.heldOut ?? figure.overall)!.value, figure.name).toBe(figure.unit === 'dB' ? 99 : 1);
      expect(meetsFloor(figure)).not.toBe(false);
    }
    expect(odd).toHaveLength(100);
    expect(progress.size).toBe(6);
  });

  it('give one that always says and draws the same nothing', async () => {
    const pixels = render(single('fox'), sprites);
    const same: EvalChat = {
      answer: async () => [
        { type: 'text', text: 'A fox.' },
        { type: 'picture', pixels },
      ],
    };
    const { figures } = await evaluateChat(same, { ...run, sprites, known });
    const value = (name: RegExp) => figures.find(figure => name.test(figure.name))!;
    expect(value(/^draws/).heldOut!.value).toBeGreaterThan(0.1);
    expect(value(/^draws/).heldOut!.value).toBeLessThan(0.9);
    for (const name of [/by vokens/, /questions/, /descriptions/, /changes/, /stories/]) {
      expect(value(name).heldOut!.value).toBe(0);
    }
    expect(value(/PSNR/).heldOut!.value).toBeLessThan(15);
    expect(value(/odd/).overall!.value).toBeLessThan(0.5);
  });

  it('run only what is asked for, and stop when they are told to', async () => {
    const { figures, odd } = await evaluateChat(oracle(), { ...run, sprites, known, measures: ['questions'] });
    expect(figures).toHaveLength(2);
    expect(odd).toEqual([]);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(evaluateChat(oracle(), { ...run, sprites, known, signal })).rejects.toThrow('enough');
  });
});

describe('odd requests', () => {
  it('are a hundred different ones', () => {
    expect(new Set(oddRequests.map(({ words }) => words)).size).toBe(100);
  });
});

describe('a story', () => {
  const story = (...told: [string, Scene][]): ChatPart[] =>
    told.flatMap(([text, scene]) => [
      { type: 'text', text },
      { type: 'picture', pixels: render(scene, sprites) },
    ]);
  const shows = (picture: Uint8Array, scene: Scene) => Buffer.compare(picture, render(scene, sprites)) === 0;
  const blue = { background: 'blue' } as const;
  const beginning: [string, Scene] = ['On a blue day there was a fox.', single('fox', blue)];
  const end: [string, Scene] = ['In the end the fox was alone and big.', single('fox', blue)];

  it('is one whose pictures show what its sentences say, about the same characters', () => {
    const met: [string, Scene] = ['The fox hid below a house.', pair('house', 'above', 'fox', 'blue')];
    expect(isStory(story(beginning, met, end), shows)).toBe(true);
    expect(isStory(story(beginning, end), shows)).toBe(false);
    expect(isStory(story(beginning, ['The fox hid below a house.', single('house', blue)], end), shows)).toBe(false);
    const other: [string, Scene] = ['The dog hid below a house.', pair('house', 'above', 'dog', 'blue')];
    expect(isStory(story(beginning, other, end), shows)).toBe(false);
    expect(isStory([{ type: 'text', text: 'No.' }], shows)).toBe(false);
  });
});
