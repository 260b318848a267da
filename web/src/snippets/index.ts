/**
 * The current form as programs: curl, Python and TypeScript. What the OpenAI family offers goes through it, with the
 * openai clients as they are; the other modes go to the native jobs through the same clients' own request method.
 */
import type { JobBody } from '../form.ts';
import { curl } from './curl.ts';
import { describe } from './describe.ts';
import { python } from './python.ts';
import { typescript } from './typescript.ts';

export interface Snippet {
  readonly language: 'curl' | 'Python' | 'TypeScript';
  readonly code: string;
}

export interface SnippetPlace {
  /** Where the server is, without a slash at the end. */
  readonly origin: string;
  readonly model: string;
  /** Of models that converse: what is said to them. */
  readonly said?: string;
}

export function snippets(body: JobBody, place: SnippetPlace): Snippet[] {
  const request = describe(body, place.model, place.said);
  return [
    { language: 'curl', code: curl[request.route](request, place.origin) },
    { language: 'Python', code: python[request.route](request, place.origin) },
    { language: 'TypeScript', code: typescript[request.route](request, place.origin) },
  ];
}
