/** Questions about a picture, with their true answers. */
import { pick, type Random } from '../../core/random.ts';
import { phrases } from '../scenes/captions.ts';
import { conceptNames } from '../scenes/concepts.ts';
import {
  backgroundNames,
  type Count,
  counts,
  inverse,
  objectsOf,
  type PairScene,
  positions,
  type Relation,
  relations,
  type Scene,
  sizes,
} from '../scenes/scene.ts';
import { anyNoun, capital, things, thisIs, withArticle } from './wording.ts';

export interface Question {
  readonly question: string;
  readonly answer: string;
}

type Ask = (scene: Scene, random: Random) => Question | undefined;

const describeRequests = [
  'What is this?',
  'What is in this picture?',
  'What is in the picture?',
  'What do you see?',
  'What can you see here?',
  'What does the picture show?',
  'Describe the picture.',
  'Describe this image.',
  'Please describe what you see.',
  'Can you describe this picture?',
  'Tell me what is in the image.',
  'What is shown here?',
  'What am I looking at?',
  'Caption this.',
  'Write a caption for this picture.',
  "What's this?",
  "What's in the image?",
];

export function describeQuestion(scene: Scene, random: Random): Question {
  return { question: pick(random, describeRequests), answer: thisIs(scene) };
}

const howMany: Ask = (scene, random) => {
  const asked = random() < 0.7 ? pick(random, objectsOf(scene)) : absent(scene, random);
  const noun = anyNoun(asked, random).plural;
  const question = pick(random, [
    `How many ${noun} are there?`,
    `How many ${noun} do you see?`,
    `How many ${noun} are in the picture?`,
    `Count the ${noun}.`,
  ]);
  const count = countOf(scene, asked);
  if (count === 0) return { question, answer: `There are no ${things.many(asked)}.` };
  return { question, answer: `There ${count === 1 ? 'is' : 'are'} ${things.count(asked, count)}.` };
};

const whichColour: Ask = ({ background }, random) => ({
  question: pick(random, [
    'What color is the background?',
    'Which color is the background?',
    'What colour is the background?',
    'Which colour does the background have?',
    'What is the color of the background?',
    'What color is behind it?',
  ]),
  answer: `The background is ${background}.`,
});

const where: Ask = (scene, random) => {
  if (scene.kind === 'count') return undefined;
  const asked = pick(random, objectsOf(scene));
  const { name } = anyNoun(asked, random);
  const question = pick(random, [
    `Where is the ${name}?`,
    `Where is the ${name} in the picture?`,
    `Where do you see the ${name}?`,
    `Where can I find the ${name}?`,
  ]);
  if (scene.kind === 'single') return { question, answer: `It is ${phrases.position[scene.position][0]}.` };
  const { relation, other } = seenFrom(scene, asked);
  return { question, answer: `It is ${phrases.relation[relation][0]} ${things.the(other)}.` };
};

const isThere: Ask = (scene, random) => {
  const asked = random() < 0.5 ? pick(random, objectsOf(scene)) : absent(scene, random);
  const noun = anyNoun(asked, random);
  const question = pick(random, [
    `Is there ${withArticle(noun)}?`,
    `Is there ${withArticle(noun)} in the picture?`,
    `Do you see ${withArticle(noun)}?`,
    `Can you see ${withArticle(noun)}?`,
    `Are there any ${noun.plural}?`,
    `Does the picture show ${withArticle(noun)}?`,
  ]);
  const count = countOf(scene, asked);
  if (count === 0) return { question, answer: `No, there is no ${things.name(asked)}.` };
  return { question, answer: `Yes, there ${count === 1 ? 'is' : 'are'} ${things.count(asked, count)}.` };
};

const isColour: Ask = ({ background }, random) => {
  const asked = random() < 0.5 ? background : pick(random, backgroundNames);
  return {
    question: pick(random, [
      `Is the background ${asked}?`,
      `Is it on ${asked}?`,
      `Is the background of the picture ${asked}?`,
      `Does it have ${asked === 'orange' ? 'an' : 'a'} ${asked} background?`,
    ]),
    answer: asked === background ? `Yes, it is ${background}.` : `No, it is ${background}.`,
  };
};

const areThere: Ask = (scene, random) => {
  const asked = pick(random, objectsOf(scene));
  const count = countOf(scene, asked) as Count | 1;
  const number: Count = count > 1 && random() < 0.5 ? (count as Count) : pick(random, counts);
  const question = pick(random, [
    `Are there ${things.count(asked, number)}?`,
    `Do you see ${things.count(asked, number)}?`,
    `Are these ${things.count(asked, number)}?`,
  ]);
  if (count === number) return { question, answer: `Yes, there are ${things.count(asked, count)}.` };
  return { question, answer: `No, there ${count === 1 ? 'is' : 'are'} ${things.count(asked, count)}.` };
};

const isRelated: Ask = (scene, random) => {
  if (scene.kind !== 'pair') return undefined;
  const asked = pick(random, objectsOf(scene));
  const { relation, other } = seenFrom(scene, asked);
  const said = random() < 0.5 ? relation : pick(random, relations);
  const [subject, object] = [anyNoun(asked, random).name, anyNoun(other, random).name];
  const words = pick<string>(random, phrases.relation[said]);
  const truth = `it is ${phrases.relation[relation][0]} ${things.the(other)}.`;
  return {
    question: `Is the ${subject} ${words} the ${object}?`,
    answer: `${said === relation ? 'Yes' : 'No'}, ${truth}`,
  };
};

const whatIsThere: Ask = (scene, random) => {
  if (scene.kind !== 'pair') return undefined;
  const asked = pick(random, objectsOf(scene));
  const { relation, other } = seenFrom(scene, asked);
  const said = random() < 0.8 ? inverse(relation) : pick(random, relations);
  const words = pick<string>(random, phrases.relation[said]);
  return {
    question: `What is ${words} the ${anyNoun(asked, random).name}?`,
    answer: said === inverse(relation) ? `${capital(things.a(other))}.` : 'Nothing.',
  };
};

const isPlaced: Ask = (scene, random) => {
  if (scene.kind !== 'single') return undefined;
  const said = random() < 0.5 ? scene.position : pick(random, positions);
  const { name } = anyNoun(scene.concept, random);
  const truth = `it is ${phrases.position[scene.position][0]}.`;
  return {
    question: `Is the ${name} ${pick<string>(random, phrases.position[said])}?`,
    answer: `${said === scene.position ? 'Yes' : 'No'}, ${truth}`,
  };
};

const whichSize: Ask = (scene, random) => {
  if (scene.kind !== 'single') return undefined;
  const { name } = anyNoun(scene.concept, random);
  const word = scene.size === 'large' ? 'big' : 'small';
  if (random() < 0.5) {
    return {
      question: pick(random, [`Is the ${name} big or small?`, `How big is the ${name}?`, 'Is it big or small?']),
      answer: `It is ${word}.`,
    };
  }
  const said = pick(random, sizes);
  const question = `Is the ${name} ${pick<string>(random, phrases[said])}?`;
  return { question, answer: `${said === scene.size ? 'Yes' : 'No'}, it is ${word}.` };
};

const asks: readonly Ask[] = [
  howMany,
  whichColour,
  where,
  isThere,
  isColour,
  areThere,
  isRelated,
  whatIsThere,
  isPlaced,
  whichSize,
];

/** A question about the scene other than for its description. */
export function questionAbout(scene: Scene, random: Random): Question {
  for (;;) {
    const question = pick(random, asks)(scene, random);
    if (question) return question;
  }
}

function countOf(scene: Scene, concept: string): Count | 0 | 1 {
  if (!objectsOf(scene).includes(concept)) return 0;
  return scene.kind === 'count' ? scene.count : 1;
}

/** How one object of a pair stands to the other. */
function seenFrom(scene: PairScene, concept: string): { readonly relation: Relation; readonly other: string } {
  return concept === scene.first
    ? { relation: scene.relation, other: scene.second }
    : { relation: inverse(scene.relation), other: scene.first };
}

function absent(scene: Scene, random: Random): string {
  const shown = objectsOf(scene);
  for (;;) {
    const concept = pick(random, conceptNames);
    if (!shown.includes(concept)) return concept;
  }
}
