/**
 * Scene -> captions. Every sentence says the whole scene: a white background, a centred position and a large size are
 * what is meant when nothing is said; what is placed elsewhere is small, whether that is said or not. No caption has more than 14 words, so that it fits 16 tokens with its frame.
 */

import { pick, type Random, randomInt } from '../../core/random.ts';
import { type Concept, conceptNamed, type Noun } from './concepts.ts';
import { type Background, inverse, type PairScene, type Position, type Relation, type Scene } from './scene.ts';

/** The longest caption, in words. */
export const maxCaptionWords = 14;

/** All words that mean a size, a position, a relation or a number; the first of each list is canonical. */
export const phrases = {
  small: ['small', 'little', 'tiny'],
  large: ['big', 'large'],
  position: {
    center: ['in the center', 'in the middle'],
    left: ['on the left', 'at the left'],
    right: ['on the right', 'at the right'],
    top: ['at the top', 'on the top'],
    bottom: ['at the bottom', 'on the bottom'],
  } satisfies Record<Position, readonly string[]>,
  relation: {
    'left of': ['to the left of', 'left of'],
    'right of': ['to the right of', 'right of'],
    above: ['above', 'over'],
    below: ['below', 'under'],
  } satisfies Record<Relation, readonly string[]>,
  count: { 2: 'two', 3: 'three', 4: 'four' },
} as const;

/** How the parts of a sentence are worded; `canonical` always takes the first choice and says nothing unneeded. */
interface Wording {
  choose<T>(choices: readonly T[]): T;
  /** True with the given probability; never in the canonical wording. */
  maybe(probability: number): boolean;
}

const canonical: Wording = { choose: choices => choices[0] as never, maybe: () => false };

function varied(random: Random): Wording {
  return { choose: choices => pick(random, choices), maybe: probability => random() < probability };
}

function nounOf(concept: Concept, wording: Wording): Noun {
  return concept.synonyms.length > 0 && wording.maybe(0.3) ? wording.choose(concept.synonyms) : concept;
}

function one(name: string, wording: Wording, adjective = ''): string {
  const noun = nounOf(conceptNamed(name), wording);
  return adjective === '' ? `${noun.article} ${noun.name}` : `a ${adjective} ${noun.name}`;
}

function backgroundPhrase(background: Background, wording: Wording): string {
  if (background === 'white' && !wording.maybe(0.25)) return '';
  const article = background === 'orange' ? 'an' : 'a';
  return wording.choose([`on ${article} ${background} background`, `on ${background}`]);
}

function join(...parts: readonly string[]): string {
  return parts.filter(part => part !== '').join(' ');
}

/** The thing said about, its place and its background, before they are put into a sentence. */
interface Parts {
  readonly plural: boolean;
  readonly subject: string;
  readonly background: string;
}

const places: Record<PairScene['relation'], readonly [first: Position, second: Position]> = {
  'left of': ['left', 'right'],
  above: ['top', 'bottom'],
};

function pairSubject(scene: PairScene, wording: Wording): string {
  const first = one(scene.first, wording);
  const second = one(scene.second, wording);
  if (wording.maybe(0.15)) {
    const [here, there] = places[scene.relation];
    const parts = [`${first} ${phrases.position[here][0]}`, `${second} ${phrases.position[there][0]}`];
    return (wording.maybe(0.5) ? parts.reverse() : parts).join(' and ');
  }
  if (!wording.maybe(0.45)) return join(first, wording.choose<string>(phrases.relation[scene.relation]), second);
  return join(second, wording.choose<string>(phrases.relation[inverse(scene.relation)]), first);
}

function subjectOf(scene: Scene, wording: Wording): string {
  if (scene.kind === 'pair') return pairSubject(scene, wording);
  if (scene.kind === 'count') {
    return `${phrases.count[scene.count]} ${nounOf(conceptNamed(scene.concept), wording).plural}`;
  }
  const placed = scene.position !== 'center';
  const sizeSaid = scene.size === 'large' ? wording.maybe(0.2) : !(placed && wording.maybe(0.4));
  const size = sizeSaid ? wording.choose<string>(phrases[scene.size]) : '';
  const place = placed || wording.maybe(0.15) ? wording.choose<string>(phrases.position[scene.position]) : '';
  return join(one(scene.concept, wording, size), place);
}

/** The sentence forms; a form that would be too long for the parts is not used. */
const forms: ReadonlyArray<(parts: Parts) => string> = [
  ({ subject, background }) => join(subject, background),
  ({ subject, background }) => join('a picture of', subject, background),
  ({ subject, background, plural }) => join(plural ? 'there are' : 'there is', subject, background),
  ({ subject, background }) => join(background, subject),
];

/** The number of sentence forms that `captionOf` can be asked for. */
export const formCount = forms.length;

function words(text: string): number {
  return text.split(' ').length;
}

/** The canonical caption of a scene: `parse(describe(scene))` is the scene. */
export function describe(scene: Scene): string {
  return join(subjectOf(scene, canonical), backgroundPhrase(scene.background, canonical));
}

/**
 * A caption of a scene in a form and wording drawn from `random` (synonyms at 30 %); half of the captions take the
 * plain form. `form` asks for one of the forms 0 to formCount - 1; the plain one is taken when that is too long.
 */
export function captionOf(scene: Scene, random: Random, form?: number): string {
  const wording = varied(random);
  const chosen = form ?? (wording.maybe(0.5) ? 0 : 1 + randomInt(random, formCount - 1));
  for (let attempt = 0; attempt < 8; attempt++) {
    const parts = {
      plural: scene.kind === 'count',
      subject: subjectOf(scene, wording),
      background: backgroundPhrase(scene.background, wording),
    };
    const caption = (forms[attempt < 4 ? chosen : 0] as (parts: Parts) => string)(parts);
    if (words(caption) <= maxCaptionWords) return caption;
  }
  return describe(scene);
}

/** Several different captions of a scene, the canonical one first: one per form, worded by `random`. @testOnly */
export function captionsOf(scene: Scene, random: Random): string[] {
  const varieties = forms.map((_, form) => captionOf(scene, random, form));
  return [...new Set([describe(scene), ...varieties])];
}
