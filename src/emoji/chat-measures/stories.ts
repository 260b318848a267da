/** Stories: every picture shows what its sentence says, and the characters stay the same. */
import type { ChatPart } from '../../eval/chat-model.ts';
import type { Figure } from '../../eval/report.ts';
import { parseSentence, tellStory } from '../dialogues/story.ts';
import { type Background, objectsOf, type Scene } from '../scenes/scene.ts';
import { exchangesOf, figure } from './answers.ts';
import { ask, type ChatRun, forEachItem, shown } from './run.ts';

export async function stories(run: ChatRun): Promise<Figure> {
  const exchanges = exchangesOf(run, 6, [tellStory]);
  const right = await forEachItem(run, 'stories', exchanges, async ({ user }, seed, index) => {
    const answer = await ask(run, [{ role: 'user', content: shown(user, run.sprites) }], seed);
    return isStory(answer, (picture, scene) => run.judge.judge(picture, scene, index).right);
  });
  return figure('stories, every picture and its sentence', right, 0.9);
}

/** Three to five sentences with a picture behind each, about one or two characters. */
export function isStory(answer: readonly ChatPart[], shows: (picture: Uint8Array, scene: Scene) => boolean): boolean {
  const count = answer.length / 2;
  if (!Number.isInteger(count) || count < 3 || count > 5) return false;
  const characters = new Set<string>();
  let before: Background | undefined;
  for (let at = 0; at < answer.length; at += 2) {
    const [sentence, picture] = [answer[at]!, answer[at + 1]!];
    if (sentence.type !== 'text' || picture.type !== 'picture') return false;
    const scene = parseSentence(sentence.text, before);
    if (!scene || !shows(picture.pixels, scene)) return false;
    before = scene.background;
    for (const character of objectsOf(scene)) characters.add(character);
  }
  return characters.size <= 2;
}
