/**
 * Stories of three to five pictures with the same characters. Every sentence says what its picture shows; the time of day
 * gives the colour of the background, and stays as it is until another one is said.
 */
import { pick, type Random, randomInt } from '../../core/random.ts';
import { conceptNames } from '../scenes/concepts.ts';
import { isVisible } from '../scenes/contrast.ts';
import { type Background, backgroundNames, counts, pair, type Scene, several, single } from '../scenes/scene.ts';
import { type DialoguePart, type MakeExchange, picture, type Situation, text } from './dialogue.ts';
import { anyNoun, asTyped, capital, fill, numberWords, things, withArticle } from './wording.ts';

const requests = {
  open: [
    'Tell me a story.',
    'Tell me an illustrated story.',
    'Can you tell me a story?',
    'I would like to hear a story.',
    'Please tell a short story with pictures.',
    'Make up a story.',
    'Story time!',
  ],
  about: [
    'Tell me a story about {a}.',
    'Can you tell me a story about {a}?',
    'Tell a story with {a}.',
    'I want a story about {a}.',
    'Make up a story about {a}, please.',
    'Please tell me an illustrated story about {a}.',
    'A story about {a}.',
    'Write a story about {a} with pictures.',
  ],
  aboutTwo: [
    'Tell me a story about {a} and {b}.',
    'Can you tell me a story about {a} and {b}?',
    'Tell a story with {a} and {b}.',
    'I want a story about {a} and {b}.',
    'A story about {a} and {b}, please.',
  ],
} as const;

const lengths = [' with {n} pictures', ' in {n} pictures', ' in {n} scenes'];

/** Who a story is about, and what goes on around them. */
interface Cast {
  readonly hero: string;
  readonly friend: string;
}

/** A sentence and what it shows, on the background that it may name. */
interface Sentence {
  readonly form: string;
  readonly scene: (cast: Cast, background: Background) => Scene;
}

const beginnings: readonly Sentence[] = [
  { form: 'On {time} there was {a}.', scene: ({ hero }, background) => single(hero, { background }) },
  { form: 'Once, on {time}, {a} woke up.', scene: ({ hero }, background) => single(hero, { background }) },
  {
    form: 'Far away, on {time}, lived a small {hero}.',
    scene: ({ hero }, background) => single(hero, { size: 'small', background }),
  },
];

const middles: readonly Sentence[] = [
  {
    form: 'The {hero} met {b}, which stood to the right.',
    scene: ({ hero, friend }, background) => pair(hero, 'left of', friend, background),
  },
  {
    form: 'To the left of the {hero} came {b}.',
    scene: ({ hero, friend }, background) => pair(friend, 'left of', hero, background),
  },
  {
    form: 'The {hero} jumped above {b}.',
    scene: ({ hero, friend }, background) => pair(hero, 'above', friend, background),
  },
  {
    form: 'The {hero} hid below {b}.',
    scene: ({ hero, friend }, background) => pair(hero, 'below', friend, background),
  },
  ...counts.map(count => ({
    form: `Soon there were ${numberWords[count]} {heroes}.`,
    scene: ({ hero }: Cast, background: Background) => several(hero, count, background),
  })),
  ...counts.map(count => ({
    form: `The {hero} dreamed of ${numberWords[count]} {friends}.`,
    scene: ({ friend }: Cast, background: Background) => several(friend, count, background),
  })),
  ...(['left', 'right'] as const).map(position => ({
    form: `The small {hero} ran off to the ${position}.`,
    scene: ({ hero }: Cast, background: Background) => single(hero, { position, background }),
  })),
  {
    form: 'The small {hero} climbed to the top.',
    scene: ({ hero }, background) => single(hero, { position: 'top', background }),
  },
  { form: 'Then there was only {b}.', scene: ({ friend }, background) => single(friend, { background }) },
];

const endings: readonly Sentence[] = [
  {
    form: 'At last the small {hero} slept at the bottom.',
    scene: ({ hero }, background) => single(hero, { position: 'bottom', background }),
  },
  { form: 'In the end the {hero} was alone and big.', scene: ({ hero }, background) => single(hero, { background }) },
  {
    form: 'In the end the {hero} and {b} stood side by side.',
    scene: ({ hero, friend }, background) => pair(hero, 'left of', friend, background),
  },
];

const times = ['morning', 'day', 'evening', 'night'] as const;

/** "On a blue morning, the fox hid below a house." */
function withTime(sentence: string, background: Background, random: Random): string {
  return `On ${timeOf(background, random)}, ${sentence.charAt(0).toLowerCase()}${sentence.slice(1)}`;
}

function timeOf(background: Background, random: Random): string {
  return `${background === 'orange' ? 'an' : 'a'} ${background} ${pick(random, times)}`;
}

export const tellStory: MakeExchange = (situation, random) => {
  const cast = castOf(random);
  const count = 3 + randomInt(random, 3);
  const assistant = storyOf(cast, count, situation, random);
  return assistant && { kind: 'story', user: [text(asTyped(requestOf(cast, count, random), random))], assistant };
};

function castOf(random: Random): Cast {
  const hero = pick(random, conceptNames);
  for (;;) {
    const friend = pick(random, conceptNames);
    if (friend !== hero) return { hero, friend };
  }
}

/** The user may name one or both of the characters, and how many pictures there are to be. */
function requestOf({ hero, friend }: Cast, count: number, random: Random): string {
  const kind = pick(random, ['open', 'about', 'about', 'aboutTwo'] as const);
  const [a, b] = [withArticle(anyNoun(hero, random)), withArticle(anyNoun(friend, random))];
  const sentence = fill(pick<string>(random, requests[kind]), { a, b });
  if (random() < 0.6) return sentence;
  const n = random() < 0.8 ? numberWords[count]! : `${count}`;
  const length = fill(pick(random, lengths), { n });
  const end = /[.?!]$/.exec(sentence)?.[0] ?? '';
  return /with pictures|illustrated|please/.test(sentence) ? sentence : `${sentence.slice(0, -1)}${length}${end}`;
}

/** The story's sentences, each with its picture; nothing if no allowed one was found. */
function storyOf(cast: Cast, count: number, { allows }: Situation, random: Random): DialoguePart[] | undefined {
  const words = wordsOf(cast);
  const parts: DialoguePart[] = [];
  const told = new Set<string>();
  let background: Background | undefined;
  for (let index = 0; index < count; index++) {
    const forms = index === 0 ? beginnings : index === count - 1 ? endings : middles;
    const next = attempts(40, () => {
      const { form, scene } = pick(random, forms);
      const changes = background === undefined || random() < 0.15;
      const ground = changes ? pick(random, backgroundNames) : background!;
      const shown = scene(cast, ground);
      if (told.has(form) || !isVisible(shown) || !allows(shown)) return undefined;
      return { form, shown, ground, changes };
    });
    if (!next) return undefined;
    told.add(next.form);
    background = next.ground;
    const sentence = capital(fill(next.form, { ...words, time: timeOf(background, random) }));
    const isNamed = next.form.includes('{time}') || !next.changes;
    const space = index === 0 ? '' : ' ';
    parts.push(text(space + (isNamed ? sentence : withTime(sentence, background, random))), picture(next.shown));
  }
  return parts;
}

function wordsOf({ hero, friend }: Cast): Record<string, string> {
  return {
    a: things.a(hero),
    b: things.a(friend),
    hero: things.name(hero),
    heroes: things.many(hero),
    friends: things.many(friend),
  };
}

function attempts<T>(count: number, attempt: () => T | undefined): T | undefined {
  for (let i = 0; i < count; i++) {
    const result = attempt();
    if (result !== undefined) return result;
  }
  return undefined;
}

const patterns = [...beginnings, ...middles, ...endings];

/**
 * What a sentence of a story shows, given what the one before it did: the inverse of `tellStory`, for judging what a model tells.
 * Nothing if it is no sentence of these.
 */
export function parseSentence(sentence: string, before?: Background): Scene | undefined {
  for (const { form, scene } of patterns) {
    const found = matchForm(form, sentence.trim());
    const background = found?.background ?? before;
    if (found && background) return scene(found.cast, background);
  }
  return undefined;
}

const slots = {
  time: `an? (?<background>${backgroundNames.join('|')}) (?:${times.join('|')})`,
  a: 'an? (?<hero>[a-z ]+?)',
  b: 'an? (?<friend>[a-z ]+?)',
  hero: '(?<hero>[a-z ]+?)',
  heroes: '(?<heroes>[a-z ]+?)',
  friends: '(?<friends>[a-z ]+?)',
} as const;

function matchForm(form: string, sentence: string) {
  const escaped = form.replaceAll('.', '\\.');
  const body = escaped.replaceAll(/\{(\w+)\}/g, (_, name: keyof typeof slots) => slots[name]);
  const prefix = form.includes('{time}') ? '' : `(?:On ${slots.time}, )?`;
  const groups = new RegExp(`^${prefix}${body}$`, 'i').exec(sentence)?.groups;
  if (!groups) return undefined;
  const { background, hero, heroes, friend, friends } = groups;
  const cast = { hero: nameOf(hero, heroes), friend: nameOf(friend, friends) };
  const isWhole = form.includes('{b}') || form.includes('{friends}') ? cast.friend !== undefined : true;
  const needsHero = /\{(a|hero|heroes)\}/.test(form);
  if (!isWhole || (needsHero && cast.hero === undefined)) return undefined;
  return {
    cast: { hero: cast.hero ?? '', friend: cast.friend ?? '' },
    background: background as Background | undefined,
  };
}

function nameOf(one: string | undefined, many: string | undefined): string | undefined {
  if (one !== undefined) return conceptNames.find(name => things.name(name) === one.toLowerCase());
  return conceptNames.find(name => things.many(name) === many?.toLowerCase());
}
