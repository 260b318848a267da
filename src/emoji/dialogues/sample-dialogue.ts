/** Random dialogues from a seeded stream: a few exchanges, each about what was shown before it. */
import { pick, type Random, randomInt } from '../../core/random.ts';
import { isHeldOut } from '../scenes/held-out.ts';
import { type SampleOptions, type SceneShares, sampleScene } from '../scenes/sample-scene.ts';
import type { Scene } from '../scenes/scene.ts';
import { type Exchange, lastScene, type MakeExchange, picture, type Situation, text } from './dialogue.ts';
import { drawAnything, drawOne, drawSeveral } from './draw.ts';
import { editOf } from './edits.ts';
import { describeQuestion, questionAbout } from './questions.ts';
import { tellStory } from './story.ts';
import {
  declineForeign,
  declineNothing,
  declineOffTopic,
  declineUnknown,
  drawLess,
  smallTalk,
  whatWasThat,
  withoutPicture,
} from './talk.ts';
import { asTyped, hereIs } from './wording.ts';

export const describeShown: MakeExchange = ({ shown, anyScene }, random) => {
  const { scene, given } = lookedAt(shown, anyScene, random);
  const { question, answer } = describeQuestion(scene, random);
  return { kind: 'describe', user: [...given, text(asTyped(question, random))], assistant: [text(answer)] };
};

export const askAboutShown: MakeExchange = ({ shown, anyScene }, random) => {
  const { scene, given } = lookedAt(shown, anyScene, random);
  const { question, answer } = questionAbout(scene, random);
  return { kind: 'question', user: [...given, text(asTyped(question, random))], assistant: [text(answer)] };
};

export const editShown: MakeExchange = ({ shown, anyScene, allows }, random) => {
  const { scene, given } = lookedAt(shown, anyScene, random);
  const edit = editOf(scene, random, allows);
  return (
    edit && {
      kind: 'edit',
      user: [...given, text(asTyped(edit.request, random))],
      assistant: [text(hereIs(edit.result)), picture(edit.result)],
    }
  );
};

/** The picture that was shown last, or a new one that the user gives. */
function lookedAt(shown: Scene | undefined, anyScene: Situation['anyScene'], random: Random) {
  if (shown && random() < 0.75) return { scene: shown, given: [] };
  const scene = anyScene(random);
  return { scene, given: [picture(scene)] };
}

/** How often each kind of exchange comes up. */
const shares: readonly (readonly [share: number, make: MakeExchange])[] = [
  [20, drawOne],
  [3, drawSeveral],
  [2, drawAnything],
  [4, drawLess],
  [9, describeShown],
  [24, askAboutShown],
  [20, editShown],
  [5, tellStory],
  [5, declineUnknown],
  [1.5, declineForeign],
  [1.5, declineNothing],
  [2.5, declineOffTopic],
  [1.5, withoutPicture],
  [2, smallTalk],
  [1, whatWasThat],
];
const sum = shares.reduce((total, [share]) => total + share, 0);

function pickMaker(random: Random): MakeExchange {
  let left = random() * sum;
  for (const [share, make] of shares) {
    left -= share;
    if (left < 0) return make;
  }
  return drawOne;
}

/** Exchanges of the longest dialogue. */
export const maxExchanges = 3;

export interface DialogueOptions {
  /** Only held-out scenes are shown and drawn, or only others. @default false */
  readonly heldOut?: boolean;
  /** The fraction of dialogues that are quizzes: one picture and many questions. @default 0 */
  readonly quizzes?: number | undefined;
  /** How often quizzes are about each kind of scene. @default as other dialogues */
  readonly quizShares?: SceneShares | undefined;
}

/** The next random dialogue of a stream. */
export function sampleDialogue(random: Random, options: DialogueOptions = {}): Exchange[] {
  const { heldOut = false, quizzes = 0, quizShares: shares } = options;
  if (quizzes > 0 && random() < quizzes) return sampleQuiz(random, { heldOut, ...(shares && { shares }) });
  const count = 1 + Math.floor(random() * maxExchanges);
  const exchanges: Exchange[] = [];
  let shown: Scene | undefined;
  while (exchanges.length < count) {
    const next = sampleExchange(situationOf(shown, heldOut), random);
    exchanges.push(next);
    shown = lastScene([...next.user, ...next.assistant]) ?? shown;
  }
  return exchanges;
}

/**
 * Four to seven questions about one picture that the user gives. A token of a quiz teaches more about pictures than one of any
 * other dialogue: most of these are requests and pictures that are asked about once.
 */
function sampleQuiz(random: Random, options: SampleOptions): Exchange[] {
  const scene = sampleScene(random, options);
  return Array.from({ length: 4 + randomInt(random, 4) }, (_, index) => {
    const about = random() < 0.85 ? questionAbout : describeQuestion;
    const { question, answer } = about(scene, random);
    const given = index === 0 ? [picture(scene)] : [];
    return { kind: 'question', user: [...given, text(asTyped(question, random))], assistant: [text(answer)] };
  });
}

export function situationOf(shown: Scene | undefined, heldOut: boolean): Situation {
  return {
    shown,
    allows: scene => isHeldOut(scene) === heldOut,
    anyScene: random => sampleScene(random, { heldOut }),
  };
}

/** One exchange of any kind that fits the situation. */
export function sampleExchange(situation: Situation, random: Random, makers?: readonly MakeExchange[]): Exchange {
  for (;;) {
    const exchange = (makers ? pick(random, makers) : pickMaker(random))(situation, random);
    if (exchange) return exchange;
  }
}
