/** Language models of the Llama family, from the folders that Hugging Face's libraries write. */
export { type GeneratedText, Llama, type Prompt, type TextEvent } from './llama.ts';
export type { TextOptions } from './options.ts';
