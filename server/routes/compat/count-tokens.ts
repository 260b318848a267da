/** Tokens of a text as the model counts them; words, where its tokenizer is elsewhere. */
import type { ModelInfo } from '../../types.ts';

export function countTokens({ inspectCaption }: Pick<ModelInfo, 'inspectCaption'>, text: string): number {
  if (text.trim() === '') return 0;
  return inspectCaption(text).tokens ?? text.split(/\s+/).filter(word => word !== '').length;
}
