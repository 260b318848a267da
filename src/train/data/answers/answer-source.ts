/** Prompts with the answers that a model is to learn, as texts in which tokens stand for pictures. */
import type { Pixels } from '../../../image/index.ts';
import type { MiniGpt5Config, PromptTemplates } from '../../../pipelines/chat/minigpt5/config.ts';

export type PictureSource = () => Promise<Pixels>;

export interface AnswerSample {
  /** The prompt, with the form of a given picture in the place of each. */
  readonly source: string;
  readonly given: readonly PictureSource[];
  /** The answer with what ends it, all vokens in the place of each picture. */
  readonly target: string;
  readonly drawn: readonly DrawnPicture[];
}

export interface DrawnPicture {
  readonly picture: PictureSource;
  /** What it shows, where that is known. */
  readonly caption?: string;
}

export interface AnswerSource {
  readonly size: number;
  /** The same every time. */
  sample(index: number): AnswerSample;
}

/** How prompts and answers are written. */
export interface AnswerForm {
  readonly prompt: MiniGpt5Config['prompt'];
  readonly templates: PromptTemplates;
  /** The names of all vokens, one behind the other. */
  readonly vokens: string;
}

/** "words, vokens, stop": what is there of them, with a blank between. */
export function targetOf(words: string, draws: boolean, { prompt, vokens }: AnswerForm): string {
  return [words, draws ? vokens : '', prompt.stop[0] ?? ''].filter(part => part !== '').join(' ');
}

/** "system, user: request, assistant:" */
export function requestOf(system: string, request: string, { prompt }: AnswerForm): string {
  return `${system}${prompt.user}${request}${prompt.separator}${prompt.assistant.trimEnd()}`;
}
