/** The one call of models that answer in dialogues. It has neither samples to count nor, in models that do not draw, steps. */
import type { CallSpec } from '../../call-table.ts';
import { drawingOptions, type options, textOptions, wordOptions } from './options.ts';

type OptionName = keyof typeof options | keyof typeof wordOptions;

const chat = {
  title: 'Answer',
  verb: 'Ask',
  needs: [['messages']],
  takes: ['messages'],
  makes: 'answer',
} as const;

/** Of models that draw. */
export const drawingCalls = {
  chat: {
    ...chat,
    summary: 'answer in a dialogue, in words and pictures',
    options: [...Object.keys(textOptions), ...Object.keys(drawingOptions)] as OptionName[],
  },
} as const satisfies Record<string, CallSpec<OptionName>>;

/** Of models that answer in words alone. */
export const wordCalls = {
  chat: { ...chat, summary: 'answer in a dialogue, in words', options: Object.keys(wordOptions) as OptionName[] },
} as const satisfies Record<string, CallSpec<OptionName>>;

export type ChatMode = keyof typeof drawingCalls;
