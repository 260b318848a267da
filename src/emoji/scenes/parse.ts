/**
 * Caption -> scene, the inverse of captions.ts. Case, punctuation, blanks and articles do not matter; everything else
 * must be a sentence of the grammar, said completely: an unknown word or a leftover makes the caption unparsable.
 */

import { phrases } from './captions.ts';
import { concepts } from './concepts.ts';
import {
  type Background,
  backgroundNames,
  type Count,
  counts,
  type PairScene,
  type Position,
  pair,
  positions,
  type Relation,
  relations,
  type Scene,
  type Size,
  several,
  single,
} from './scene.ts';

const singulars = new Map<string, string>();
const plurals = new Map<string, string>();
for (const concept of concepts) {
  for (const noun of [concept, ...concept.synonyms]) {
    singulars.set(noun.name, concept.name);
    plurals.set(noun.plural, concept.name);
  }
}

const openings = ['a picture of', 'picture of', 'the picture of', 'there is', 'there are'];
const sizeOf = new Map<string, Size>([
  ...phrases.small.map(word => [word, 'small'] as const),
  ...phrases.large.map(word => [word, 'large'] as const),
]);
const positionOf = new Map(
  positions.flatMap(name => phrases.position[name].map(text => [text as string, name] as const)),
);
const relationOf = relations.flatMap(name => phrases.relation[name].map(text => [text as string, name] as const));
const countOf = new Map<string, Count>(counts.flatMap(n => [[phrases.count[n], n] as const, [`${n}`, n] as const]));

/** Lower case words without punctuation, joined by single blanks. */
function normalise(caption: string): string {
  return (
    caption
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu)
      ?.join(' ') ?? ''
  );
}

function withoutArticle(text: string): string {
  return text.replace(/^(a|an|the|one|1) /, '');
}

interface Ground {
  readonly background: Background;
  readonly rest: string;
}

const ground = `(?:on|with|against)(?: (?:a|an|the))? (${backgroundNames.join('|')})`;
const closing = new RegExp(`^(.+?) ${ground}(?: background)?$`);
const opening = new RegExp(`^${ground}(?: background)? (.+)$`);

/** Takes the background phrase off either end of the caption. */
function takeBackground(text: string): Ground {
  const last = closing.exec(text);
  if (last !== null) return { rest: last[1] as string, background: last[2] as Background };
  const first = opening.exec(text);
  if (first !== null) return { rest: first[2] as string, background: first[1] as Background };
  return { rest: text, background: 'white' };
}

function takeOpening(text: string): string {
  const found = openings.find(words => text.startsWith(`${words} `));
  return found === undefined ? text : text.slice(found.length + 1);
}

interface Thing {
  readonly concept: string;
  readonly size?: Size;
  readonly position?: Position;
}

/** "a small cat on the left" -> its parts; undefined when anything is not understood. */
function parseThing(text: string): Thing | undefined {
  let rest = withoutArticle(text);
  let thing: Omit<Thing, 'concept'> = {};
  for (const [words, position] of positionOf) {
    if (!rest.endsWith(` ${words}`)) continue;
    rest = rest.slice(0, -words.length - 1);
    thing = { position };
    break;
  }
  const adjective = rest.split(' ', 1)[0] as string;
  const size = sizeOf.get(adjective);
  if (size !== undefined) {
    rest = rest.slice(adjective.length + 1);
    thing = { ...thing, size };
  }
  const concept = singulars.get(rest);
  return concept === undefined ? undefined : { concept, ...thing };
}

/** The name of a thing about which nothing else is said. */
function parseBare(text: string): string | undefined {
  const thing = parseThing(text);
  return thing === undefined || thing.size !== undefined || thing.position !== undefined ? undefined : thing.concept;
}

function pairOf(a: string | undefined, relation: Relation, b: string | undefined): PairScene | undefined {
  return a === undefined || b === undefined || a === b ? undefined : pair(a, relation, b);
}

const facing: ReadonlyArray<readonly [Position, Position, Relation]> = [
  ['left', 'right', 'left of'],
  ['right', 'left', 'right of'],
  ['top', 'bottom', 'above'],
  ['bottom', 'top', 'below'],
];

/** "a dog on the left and a car on the right". */
function parseTwoPlaces(text: string): PairScene | undefined {
  const [first, second, ...more] = text.split(' and ').map(parseThing);
  if (first === undefined || second === undefined || more.length > 0) return undefined;
  if (first.size !== undefined || second.size !== undefined) return undefined;
  const found = facing.find(([a, b]) => a === first.position && b === second.position);
  return found === undefined ? undefined : pairOf(first.concept, found[2], second.concept);
}

function parsePair(text: string): PairScene | undefined {
  for (const [words, relation] of relationOf) {
    const at = text.indexOf(` ${words} `);
    if (at < 0) continue;
    return pairOf(parseBare(text.slice(0, at)), relation, parseBare(text.slice(at + words.length + 2)));
  }
  return text.includes(' and ') ? parseTwoPlaces(text) : undefined;
}

function parseSubject(text: string): Scene | undefined {
  const [number = '', ...nouns] = text.split(' ');
  const count = countOf.get(number);
  if (count !== undefined) {
    const concept = plurals.get(nouns.join(' '));
    return concept === undefined ? undefined : several(concept, count);
  }
  const thing = parseThing(text);
  if (thing === undefined) return parsePair(text);
  const { concept, ...parts } = thing;
  const scene = single(concept, parts);
  return scene.size === 'large' && scene.position !== 'center' ? undefined : scene;
}

/** The scene that a caption says, or undefined when it is not a caption of the grammar. */
export function parse(caption: string): Scene | undefined {
  const { rest, background } = takeBackground(normalise(caption));
  const scene = parseSubject(takeOpening(rest));
  return scene === undefined ? undefined : { ...scene, background };
}
