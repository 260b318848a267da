/** Models that answer in dialogues with pictures: MiniGPT-5, LLaVA, BLIP-2, InstructBLIP. */

export type { ChatCallOptions } from './calls/options.ts';
export type { ChatMode } from './calls/table.ts';
export { type ChatFamily, isChatFamily } from './chat-files.ts';
export { ChatModel, type InterleavedChatOptions } from './chat-model.ts';
export { type ContentPart, checkTurns, type InterleavedMessage } from './dialogue.ts';
export { loadEvalChat } from './evaluation.ts';
export type { AnswerPart, InterleavedAnswer, InterleavedChatEvent } from './events.ts';
export { minigpt5, wordFamily } from './family.ts';
