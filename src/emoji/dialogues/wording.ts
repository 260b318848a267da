/** Words for things: in what a user writes any noun of a thing, in answers always its first one. */
import { pick, type Random, randomInt } from '../../core/random.ts';
import { describe } from '../scenes/captions.ts';
import { conceptNamed, type Noun } from '../scenes/concepts.ts';
import type { Count, Scene } from '../scenes/scene.ts';

export const numberWords = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'];

const roundNumbers = [
  'a dozen',
  'twelve',
  'fifteen',
  'twenty',
  'thirty',
  'fifty',
  'ninety',
  'a hundred',
  'a thousand',
  'a million',
];

/** A number of five or more, in words or digits. */
export function largeNumber(random: Random): string {
  const kind = random();
  if (kind < 0.3) return numberWords[5 + randomInt(random, 6)]!;
  if (kind < 0.65) return pick(random, roundNumbers);
  return `${5 + randomInt(random, random() < 0.7 ? 26 : 996)}`;
}

/** The names that answers use. */
export const things = {
  a: (concept: string) => withArticle(conceptNamed(concept)),
  name: (concept: string) => conceptNamed(concept).name,
  the: (concept: string) => `the ${conceptNamed(concept).name}`,
  many: (concept: string) => conceptNamed(concept).plural,
  count: (concept: string, count: Count | 1) =>
    count === 1 ? `one ${conceptNamed(concept).name}` : `${numberWords[count]} ${conceptNamed(concept).plural}`,
};

/** Any noun for a thing, as a user may write it. */
export function anyNoun(concept: string, random: Random): Noun {
  const known = conceptNamed(concept);
  return random() < 0.25 ? pick(random, [known, ...known.synonyms]) : known;
}

export function withArticle({ article, name }: Noun): string {
  return `${article} ${name}`;
}

export function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** "Here is a fox on a blue background." */
export function hereIs(scene: Scene): string {
  return `Here ${isAre(scene)} ${describe(scene)}.`;
}

/** "This is a fox on a blue background." */
export function thisIs(scene: Scene): string {
  return `${scene.kind === 'count' ? 'These are' : 'This is'} ${describe(scene)}.`;
}

function isAre(scene: Scene): 'is' | 'are' {
  return scene.kind === 'count' ? 'are' : 'is';
}

/** A sentence as people type it: often without capitals or the full stop, now and then in capitals or with blanks around it. */
export function asTyped(words: string, random: Random): string {
  let typed = words;
  if (random() < 0.4) typed = typed.toLowerCase();
  else if (random() < 0.1) typed = typed.toUpperCase();
  if (random() < 0.3) typed = typed.replace(/[.!?]+$/, '');
  else if (random() < 0.1) typed = typed.replace(/[.!?]*$/, pick(random, ['!', '!', '!!', '!!!', '...', '??']));
  if (random() < 0.02) typed = ` ${typed} `;
  return typed;
}

/** A sentence of `forms` with `{name}` replaced by the words of that name. */
export function fill(form: string, words: Readonly<Record<string, string>>): string {
  return form.replaceAll(/\{(\w+)\}/g, (_, name: string) => words[name] ?? `{${name}}`);
}
