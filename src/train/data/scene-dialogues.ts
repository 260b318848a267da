/** Dialogues about emoji scenes as training data: made on the fly, nothing held out among them. */
import { deriveSeed, seededRandom } from '../../core/random.ts';
import type { DialoguePart } from '../../emoji/dialogues/dialogue.ts';
import { sampleDialogue } from '../../emoji/dialogues/sample-dialogue.ts';
import { describe } from '../../emoji/scenes/captions.ts';
import { render } from '../../emoji/scenes/render.ts';
import { loadSprites } from '../../emoji/scenes/sprites.ts';
import type { DialogueContent, DialogueSource } from './dialogue-source.ts';

export interface SceneDialogueOptions {
  /** Side of the pictures in pixels. */
  readonly side: number;
  readonly count: number;
  readonly seed: number;
  /** Dialogues about held-out scenes instead: for validation only. @default false */
  readonly heldOut?: boolean;
  /** The fraction of dialogues that are quizzes. @default 0 */
  readonly quizzes?: number | undefined;
}

/** `count` dialogues; item i depends on (seed, i) alone. */
export async function sceneDialogues({
  side,
  count,
  seed,
  heldOut = false,
  quizzes = 0,
}: SceneDialogueOptions): Promise<DialogueSource> {
  const sprites = await loadSprites(side);
  const content = (part: DialoguePart): DialogueContent =>
    part.type === 'text'
      ? part
      : {
          type: 'image',
          picture: () => ({ width: side, height: side, data: render(part.scene, sprites) }),
          caption: describe(part.scene),
        };
  return {
    size: count,
    dialogue: async index =>
      sampleDialogue(seededRandom(deriveSeed(seed, index)), { heldOut, quizzes }).flatMap(({ user, assistant }) => [
        { role: 'user' as const, content: user.map(content) },
        { role: 'assistant' as const, content: assistant.map(content) },
      ]),
  };
}
