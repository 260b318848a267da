/** Changes of a picture that can be asked for in words, with the scene that each one leads to. */
import { pick, type Random } from '../../core/random.ts';
import { phrases } from '../scenes/captions.ts';
import { conceptNames } from '../scenes/concepts.ts';
import { isVisible } from '../scenes/contrast.ts';
import {
  backgroundNames,
  counts,
  objectsOf,
  pair,
  positions,
  relations,
  type Scene,
  sameScene,
  several,
  single,
} from '../scenes/scene.ts';
import { anyNoun, numberWords, withArticle } from './wording.ts';

export interface Edit {
  readonly request: string;
  readonly result: Scene;
}

type Change = (scene: Scene, random: Random) => Edit | undefined;

const recolour: Change = (scene, random) => {
  const background = pick(random, backgroundNames);
  return {
    request: pick(random, [
      `Make it ${background}.`,
      `Make the background ${background}.`,
      `Change the background to ${background}.`,
      `Now on ${background}.`,
      `Put it on ${background}.`,
      `Can you make the background ${background}?`,
      `Use ${background === 'orange' ? 'an' : 'a'} ${background} background instead.`,
      `The same on ${background}, please.`,
    ]),
    result: { ...scene, background },
  };
};

const multiply: Change = (scene, random) => {
  if (scene.kind === 'pair') return undefined;
  const count = pick(random, counts);
  const { plural } = anyNoun(scene.concept, random);
  const number = random() < 0.8 ? numberWords[count]! : `${count}`;
  return {
    request: pick(random, [
      `Now ${number} of them.`,
      `Make it ${number}.`,
      `Draw ${number} of them.`,
      `${number} of them, please.`,
      `I want ${number} ${plural}.`,
      `Can there be ${number} ${plural}?`,
      `Now with ${number} ${plural}.`,
    ]),
    result: several(scene.concept, count, scene.background),
  };
};

const onlyOne: Change = (scene, random) => {
  if (scene.kind !== 'count') return undefined;
  return {
    request: pick(random, [
      'Just one of them.',
      'Only one, please.',
      'Now only one.',
      `Make it just one ${anyNoun(scene.concept, random).name}.`,
    ]),
    result: single(scene.concept, { background: scene.background }),
  };
};

const add: Change = (scene, random) => {
  if (scene.kind !== 'single') return undefined;
  const added = pick(random, conceptNames);
  const relation = pick(random, relations);
  const thing = withArticle(anyNoun(added, random));
  const words = pick<string>(random, phrases.relation[relation]);
  const it = random() < 0.6 ? 'it' : `the ${anyNoun(scene.concept, random).name}`;
  return {
    request: pick(random, [
      `Put ${thing} ${words} ${it}.`,
      `Add ${thing} ${words} ${it}.`,
      `Now add ${thing} ${words} ${it}.`,
      `Can you put ${thing} ${words} ${it}?`,
      `Place ${thing} ${words} ${it}, please.`,
      `I want ${thing} ${words} ${it}.`,
    ]),
    result: pair(added, relation, scene.concept, scene.background),
  };
};

const replace: Change = (scene, random) => {
  const old = pick(random, objectsOf(scene));
  const added = pick(random, conceptNames);
  const oldNoun = anyNoun(old, random);
  const noun = anyNoun(added, random);
  if (scene.kind === 'count') {
    return {
      request: pick(random, [
        `Make them ${noun.plural}.`,
        `Now ${noun.plural} instead of ${oldNoun.plural}.`,
        `Replace the ${oldNoun.plural} with ${noun.plural}.`,
        `The same with ${noun.plural}.`,
      ]),
      result: { ...scene, concept: added },
    };
  }
  const named = [
    `Replace the ${oldNoun.name} with ${withArticle(noun)}.`,
    `Turn the ${oldNoun.name} into ${withArticle(noun)}.`,
    `Make the ${oldNoun.name} ${withArticle(noun)}.`,
    `${withArticle(noun)} instead of the ${oldNoun.name}.`,
  ];
  if (scene.kind === 'single') {
    return {
      request: pick(random, [
        ...named,
        `Make it ${withArticle(noun)}.`,
        `Now ${withArticle(noun)} instead.`,
        `The same with ${withArticle(noun)}.`,
      ]),
      result: { ...scene, concept: added },
    };
  }
  return {
    request: pick(random, named),
    result: scene.first === old ? { ...scene, first: added } : { ...scene, second: added },
  };
};

const resize: Change = (scene, random) => {
  if (scene.kind !== 'single' || scene.position !== 'center') return undefined;
  const { concept, background } = scene;
  if (scene.size === 'large') {
    return {
      request: pick(random, [
        'Make it smaller.',
        'Make it small.',
        'Smaller, please.',
        'Can you make it smaller?',
        `Make the ${anyNoun(concept, random).name} smaller.`,
      ]),
      result: single(concept, { size: 'small', background }),
    };
  }
  return {
    request: pick(random, [
      'Make it bigger.',
      'Make it big.',
      'Larger, please.',
      'Can you make it bigger?',
      `Make the ${anyNoun(concept, random).name} larger.`,
    ]),
    result: single(concept, { background }),
  };
};

const ways = { left: 'to the left', right: 'to the right', top: 'to the top', bottom: 'to the bottom' } as const;

const move: Change = (scene, random) => {
  if (scene.kind !== 'single') return undefined;
  const position = pick(random, positions);
  const way = position === 'center' ? 'to the center' : ways[position];
  const it = random() < 0.6 ? 'it' : `the ${anyNoun(scene.concept, random).name}`;
  return {
    request: pick(random, [
      `Move ${it} ${way}.`,
      `Can you move ${it} ${way}?`,
      `Put ${it} ${phrases.position[position][0]}.`,
      `Now ${phrases.position[position][0]}.`,
      `Shift ${it} ${way}.`,
    ]),
    result: single(scene.concept, { size: 'small', position, background: scene.background }),
  };
};

const remove: Change = (scene, random) => {
  if (scene.kind !== 'pair') return undefined;
  const gone = pick(random, objectsOf(scene));
  const left = gone === scene.first ? scene.second : scene.first;
  const { name } = anyNoun(gone, random);
  return {
    request: pick(random, [
      `Remove the ${name}.`,
      `Without the ${name}, please.`,
      `Take away the ${name}.`,
      `Only the ${anyNoun(left, random).name}, please.`,
      `Delete the ${name}.`,
    ]),
    result: single(left, { background: scene.background }),
  };
};

const swap: Change = (scene, random) => {
  if (scene.kind !== 'pair') return undefined;
  return {
    request: pick(random, ['Swap them.', 'Exchange them.', 'Swap the two.', 'Now the other way round.']),
    result: { ...scene, first: scene.second, second: scene.first },
  };
};

const rearrange: Change = (scene, random) => {
  if (scene.kind !== 'pair') return undefined;
  const [a, b] = random() < 0.5 ? [scene.first, scene.second] : [scene.second, scene.first];
  const relation = pick(random, relations);
  const words = pick<string>(random, phrases.relation[relation]);
  const [subject, object] = [anyNoun(a, random).name, anyNoun(b, random).name];
  return {
    request: pick(random, [
      `Put the ${subject} ${words} the ${object}.`,
      `Move the ${subject} ${words} the ${object}.`,
      `Now the ${subject} ${words} the ${object}.`,
    ]),
    result: pair(a, relation, b, scene.background),
  };
};

const changes: readonly Change[] = [recolour, multiply, onlyOne, add, replace, resize, move, remove, swap, rearrange];

/** A change of the scene to another one that is visible and allowed; nothing if none was found. */
export function editOf(scene: Scene, random: Random, allows: (scene: Scene) => boolean): Edit | undefined {
  for (let attempt = 0; attempt < 40; attempt++) {
    const edit = pick(random, changes)(scene, random);
    if (edit && isPossible(edit.result) && !sameScene(edit.result, scene) && allows(edit.result)) return edit;
  }
  return undefined;
}

function isPossible(scene: Scene): boolean {
  return isVisible(scene) && !(scene.kind === 'pair' && scene.first === scene.second);
}
