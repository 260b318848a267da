/** A loaded chat model as evaluation sees it: plain words and bytes. */
import type { ChatPart, EvalChat, StreamedChat } from '../../eval/chat-model.ts';
import type { LoadOptions } from '../family.ts';
import { ChatModel } from './chat-model.ts';
import type { ContentPart } from './dialogue.ts';
import type { InterleavedChatEvent } from './events.ts';

export interface LoadedEvalChat extends EvalChat, StreamedChat {
  release(): Promise<void>;
}

const moments: Partial<Record<InterleavedChatEvent['type'], 'text' | 'preview' | 'done'>> = {
  'text-delta': 'text',
  'image-preview': 'preview',
  done: 'done',
};

/** Loads a chat model for evaluation; `release` frees it. @param side of the square pictures that it is shown, in pixels */
export async function loadEvalChat(folder: string, side: number, options: LoadOptions = {}): Promise<LoadedEvalChat> {
  const model = await ChatModel.load(folder, options);
  const given = (part: ChatPart): ContentPart =>
    part.type === 'text' ? part : { type: 'image', image: { width: side, height: side, data: part.pixels } };
  return {
    answer: async (dialogue, settings) => {
      const messages = dialogue.map(({ role, content }) => ({ role, content: content.map(given) }));
      const { content } = await model.chat(messages, settings);
      return content.map(part => (part.type === 'text' ? part : { type: 'picture', pixels: part.image.data }));
    },
    async *stream(request, settings) {
      for await (const { type } of model.streamChat([{ role: 'user', content: request }], {
        ...settings,
        previewEvery: 1,
      })) {
        const moment = moments[type];
        if (moment) yield moment;
      }
    },
    release: () => model.release(),
  };
}
