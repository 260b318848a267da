/** Dialogues about emoji scenes as training data: made on the fly, nothing held out among them. */
import { deriveSeed, seededRandom } from '../../core/random.ts';
import type { DialoguePart } from '../../emoji/dialogues/dialogue.ts';
import { type DialogueOptions, sampleDialogue } from '../../emoji/dialogues/sample-dialogue.ts';
import { describe } from '../../emoji/scenes/captions.ts';
import { render } from '../../emoji/scenes/render.ts';
import { loadSprites } from '../../emoji/scenes/sprites.ts';
import type { DialogueContent, DialogueSource } from './dialogue-source.ts';

export interface SceneDialogueOptions extends DialogueOptions {
  /** Side of the pictures in pixels. */
  readonly side: number;
  readonly count: number;
  readonly seed: number;
}

/** `count` dialogues, held out for validation only; item i depends on (seed, i) alone. */
export async function sceneDialogues({ side, count, seed, ...options }: SceneDialogueOptions): Promise<DialogueSource> {
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
      sampleDialogue(seededRandom(deriveSeed(seed, index)), options).flatMap(({ user, assistant }) => [
        { role: 'user' as const, content: user.map(content) },
        { role: 'assistant' as const, content: assistant.map(content) },
      ]),
  };
}
