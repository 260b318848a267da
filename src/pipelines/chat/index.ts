/** Models that answer in dialogues with pictures: MiniGPT-5, LLaVA. */

export { ChatModel, type InterleavedChatOptions } from './chat-model.ts';
export type { ContentPart, InterleavedMessage } from './dialogue.ts';
export type { AnswerPart, InterleavedAnswer, InterleavedChatEvent } from './events.ts';
