import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../core/random.ts';
import { concepts } from '../scenes/concepts.ts';
import { isVisible } from '../scenes/contrast.ts';
import { isHeldOut } from '../scenes/held-out.ts';
import { parse } from '../scenes/parse.ts';
import { type Background, pair, type Scene, several, single } from '../scenes/scene.ts';
import { type DialoguePart, type Exchange, exchangeKinds, lastScene } from './dialogue.ts';
import { editOf } from './edits.ts';
import { describeQuestion, questionAbout } from './questions.ts';
import { sampleDialogue } from './sample-dialogue.ts';
import { parseSentence } from './story.ts';
import { foreign, madeUpWord, noWords, unknownNouns } from './unknown-things.ts';

function dialogues(count: number, seed: number, heldOut = false): Exchange[][] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => sampleDialogue(random, { heldOut }));
}

const scenesOf = (parts: readonly DialoguePart[]) =>
  parts.flatMap(part => (part.type === 'picture' ? [part.scene] : []));
const wordsOf = (parts: readonly DialoguePart[]) =>
  parts.flatMap(part => (part.type === 'text' ? [part.text] : [])).join('');

describe('dialogues about scenes', () => {
  it('are the same for the same seed', () => {
    expect(dialogues(50, 3)).toEqual(dialogues(50, 3));
    expect(dialogues(50, 3)).not.toEqual(dialogues(50, 4));
  });

  it.each([false, true])('show only scenes of their side of the split (held out: %s), all of them visible', heldOut => {
    const scenes = dialogues(1500, 5, heldOut)
      .flat()
      .flatMap(({ user, assistant }) => scenesOf([...user, ...assistant]));
    expect(scenes.length).toBeGreaterThan(1500);
    expect(scenes.filter(scene => isHeldOut(scene) !== heldOut || !isVisible(scene))).toEqual([]);
  });

  it('are of every kind', () => {
    const kinds = new Set(dialogues(500, 6).flatMap(exchanges => exchanges.map(({ kind }) => kind)));
    expect([...kinds].sort()).toEqual([...exchangeKinds].sort());
  });

  it('say in the answer what is drawn', () => {
    for (const { kind, assistant } of dialogues(1500, 7).flat()) {
      if (kind !== 'draw' && kind !== 'edit') continue;
      const drawn = scenesOf(assistant);
      const said = /Here (?:is|are) ([^.,]+)/.exec(wordsOf(assistant))?.[1];
      expect(drawn.length).toBeGreaterThan(0);
      for (const scene of drawn) expect(parse(said!), wordsOf(assistant)).toEqual(scene);
    }
  });

  it('draw nothing where they decline or answer in words', () => {
    for (const { kind, assistant } of dialogues(1500, 8).flat()) {
      const draws = kind === 'draw' || kind === 'edit' || kind === 'story';
      expect(scenesOf(assistant).length > 0, kind).toBe(draws);
      expect(wordsOf(assistant)).not.toMatch(/[{}]|undefined/);
    }
  });
});

describe('quizzes', () => {
  it('ask four to seven questions about one picture, as often as they are wanted', () => {
    const random = seededRandom(13);
    const sampled = Array.from({ length: 600 }, () => sampleDialogue(random, { quizzes: 0.5, heldOut: true }));
    const quizzes = sampled.filter(({ length }) => length > 3);
    expect(quizzes.length).toBeGreaterThan(240);
    expect(quizzes.length).toBeLessThan(360);
    for (const exchanges of quizzes) {
      expect(exchanges.length).toBeLessThanOrEqual(7);
      expect(exchanges.flatMap(({ user }) => scenesOf(user))).toHaveLength(1);
      expect(exchanges.flatMap(({ assistant }) => scenesOf(assistant))).toEqual([]);
      expect(isHeldOut(scenesOf(exchanges[0]!.user)[0]!)).toBe(true);
      expect(new Set(exchanges.map(({ kind }) => kind))).toEqual(new Set(['question']));
    }
  });
});

describe('quizzes of a kind of scene', () => {
  it('are about that kind alone, and other dialogues about all', () => {
    const random = seededRandom(14);
    const quizShares = { large: 0, small: 0, pair: 1, count: 0 };
    const sampled = Array.from({ length: 300 }, () => sampleDialogue(random, { quizzes: 0.5, quizShares }));
    const kindsOf = (exchanges: typeof sampled) =>
      new Set(exchanges.flatMap(([first]) => scenesOf(first!.user)).map(({ kind }) => kind));
    expect(kindsOf(sampled.filter(({ length }) => length > 3))).toEqual(new Set(['pair']));
    expect(kindsOf(sampled.filter(({ length }) => length <= 3)).size).toBe(3);
  });
});

describe('stories', () => {
  it('have three to five pictures, each of which shows what its sentence says', () => {
    const stories = dialogues(6000, 9)
      .flat()
      .filter(({ kind }) => kind === 'story');
    expect(stories.length).toBeGreaterThan(200);
    for (const { assistant } of stories) {
      expect(scenesOf(assistant).length).toBeGreaterThanOrEqual(3);
      expect(scenesOf(assistant).length).toBeLessThanOrEqual(5);
      let before: Background | undefined;
      for (let at = 0; at < assistant.length; at += 2) {
        const scene = (assistant[at + 1] as { scene: Scene }).scene;
        const sentence = (assistant[at] as { text: string }).text;
        expect(parseSentence(sentence, before), sentence).toEqual(scene);
        before = scene.background;
      }
    }
  });

  it.each([
    'A fox ran away.',
    'On a blue day there was a zebra.',
    'The fox met a fox.',
    'The fox hid below a house.',
    '',
  ])('"%s" alone is no sentence of a story', sentence => {
    expect(parseSentence(sentence)).toBeUndefined();
  });
});

describe('questions', () => {
  it('have the answers that a person would give', () => {
    const answers = new Map<string, string>();
    const random = seededRandom(2);
    const scene = pair('dog', 'above', 'fox', 'blue');
    for (let i = 0; i < 5000; i++) {
      const { question, answer } = questionAbout(scene, random);
      expect(answers.get(question) ?? answer).toBe(answer);
      answers.set(question, answer);
    }
    const expected = {
      'How many dogs are there?': 'There is one dog.',
      'What color is the background?': 'The background is blue.',
      'Where is the fox?': 'It is below the dog.',
      'Is there a fox?': 'Yes, there is one fox.',
      'Is the background blue?': 'Yes, it is blue.',
      'Is the background green?': 'No, it is blue.',
      'Are there three foxes?': 'No, there is one fox.',
      'Is the dog above the fox?': 'Yes, it is above the fox.',
      'Is the dog under the fox?': 'No, it is above the fox.',
      'What is above the fox?': 'A dog.',
      'What is left of the fox?': 'Nothing.',
    };
    for (const [question, answer] of Object.entries(expected)) expect(answers.get(question), question).toBe(answer);
    expect(describeQuestion(scene, random).answer).toBe('This is a dog above a fox on a blue background.');
    expect(describeQuestion(several('cat', 3), random).answer).toBe('These are three cats.');
  });
});

describe('changes of a picture', () => {
  it.each([
    [single('fox'), 'Make it blue.', single('fox', { background: 'blue' })],
    [single('fox'), 'Make it three.', several('fox', 3)],
    [single('fox'), 'Put a dog below it.', pair('fox', 'above', 'dog')],
    [single('fox'), 'Make it smaller.', single('fox', { size: 'small' })],
    [single('fox'), 'Move it to the left.', single('fox', { position: 'left' })],
    [several('fox', 3), 'Just one of them.', single('fox')],
    [pair('fox', 'above', 'dog'), 'Swap them.', pair('dog', 'above', 'fox')],
    [pair('fox', 'above', 'dog'), 'Remove the dog.', single('fox')],
    [pair('fox', 'above', 'dog'), 'Turn the dog into a cat.', pair('fox', 'above', 'cat')],
  ])('%o, "%s"', (scene, request, result) => {
    const random = seededRandom(1);
    for (let i = 0; i < 200_000; i++) {
      const edit = editOf(scene, random, () => true);
      if (edit?.request !== request) continue;
      expect(edit.result).toEqual(result);
      return;
    }
    expect.unreachable(`"${request}" never came up`);
  });

  it('go on from the picture that was shown last', () => {
    let followed = 0;
    for (const exchanges of dialogues(400, 11)) {
      for (const [at, { kind, user, assistant }] of exchanges.entries()) {
        if (kind !== 'edit' || scenesOf(user).length > 0) continue;
        const before = exchanges.slice(0, at).flatMap(exchange => [...exchange.user, ...exchange.assistant]);
        expect(lastScene(before)).toBeDefined();
        expect(scenesOf(assistant)[0]).not.toEqual(lastScene(before));
        followed++;
      }
    }
    expect(followed).toBeGreaterThan(20);
  });
});

describe('what is declined', () => {
  const known = new Set(
    concepts.flatMap(concept => [concept, ...concept.synonyms]).flatMap(({ name, plural }) => [name, plural]),
  );

  it('is not among the concepts', () => {
    const random = seededRandom(1);
    expect(unknownNouns.length).toBeGreaterThan(400);
    expect(unknownNouns.filter(noun => known.has(noun) || known.has(`${noun}s`))).toEqual([]);
    for (let i = 0; i < 5000; i++) expect(known.has(madeUpWord(random))).toBe(false);
    for (let i = 0; i < 2000; i++)
      for (const words of [foreign(random), noWords(random)]) expect(parse(words)).toBeUndefined();
  });
});
