/** Language models of the Llama family, from the folders that Hugging Face's libraries write. */
export { type GeneratedText, type GenerateOptions, Llama, type Prompt, type TextEvent } from './llama.ts';
export type { TextOptions } from './options.ts';
