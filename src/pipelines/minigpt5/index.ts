/** MiniGPT-5: answers in words and pictures. */
export type { ContentPart, InterleavedMessage } from './dialogue.ts';
export type { AnswerPart, InterleavedAnswer, InterleavedChatEvent } from './events.ts';
export { type InterleavedChatOptions, MiniGpt5 } from './minigpt5.ts';
