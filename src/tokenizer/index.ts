/** Text to the ids of a language model and back, and dialogues to text. */
export { type ChatMessage, ChatTemplate, type ChatTemplateOptions } from './chat-template.ts';
export { type DecodeOptions, type EncodeOptions, JsonTokenizer } from './json-tokenizer.ts';
export { PromptEncoder, type PromptOptions } from './prompt-encoder.ts';
export { type TokenizerSource, tokenizerFrom } from './read-tokenizer.ts';
export { TextStream, type TextStreamOptions } from './text-stream.ts';
