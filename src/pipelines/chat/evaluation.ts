/** A loaded chat model as evaluation sees it: plain words and bytes. */
import type { ChatPart, EvalChat } from '../../eval/chat-model.ts';
import type { LoadOptions } from '../family.ts';
import { ChatModel } from './chat-model.ts';
import type { ContentPart } from './dialogue.ts';

/** @param side of the square pictures that the dialogues show, in pixels */
export async function loadEvalChat(
  folder: string,
  side: number,
  options: LoadOptions = {},
): Promise<EvalChat & { release(): Promise<void> }> {
  const model = await ChatModel.load(folder, options);
  const given = (part: ChatPart): ContentPart =>
    part.type === 'text' ? part : { type: 'image', image: { width: side, height: side, data: part.pixels } };
  return {
    answer: async (dialogue, settings) => {
      const messages = dialogue.map(({ role, content }) => ({ role, content: content.map(given) }));
      const { content } = await model.chat(messages, settings);
      return content.map(part => (part.type === 'text' ? part : { type: 'picture', pixels: part.image.data }));
    },
    release: () => model.release(),
  };
}
