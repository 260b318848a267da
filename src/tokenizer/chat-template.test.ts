/** Chat templates against what jinja2 made of them through transformers (test/data/chat-templates.json). */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ChatMessage, ChatTemplate } from './index.ts';

interface Recorded {
  readonly templates: Readonly<Record<string, string>>;
  readonly messages: Readonly<Record<string, readonly ChatMessage[]>>;
  readonly cases: readonly {
    readonly template: string;
    readonly messages: string;
    readonly addGenerationPrompt: boolean;
    readonly text?: string;
    readonly error?: string;
  }[];
}

const file = new URL('../../test/data/chat-templates.json', import.meta.url);
const { templates, messages, cases } = JSON.parse(readFileSync(file, 'utf8')) as Recorded;
const variables = { bos_token: '<s>', eos_token: '</s>' };

// Templates may show the date.
beforeEach(() => void vi.useFakeTimers({ now: new Date(2026, 2, 5, 7, 8, 9) }));
afterEach(() => void vi.useRealTimers());

describe('chat templates', () => {
  it.each(cases)('$template of $messages, prompt $addGenerationPrompt', ({ template, text, error, ...rest }) => {
    const render = () =>
      new ChatTemplate(templates[template]!, template).render(messages[rest.messages]!, { variables, ...rest });
    if (text === undefined) expect(render).toThrow(error!);
    else expect(render()).toBe(text);
  });

  it('that cannot be read are refused when they are opened', () => {
    expect(() => new ChatTemplate('{% for %}', 'tokenizer_config.json')).toThrow(
      /^tokenizer_config.json: the chat template cannot be read: /,
    );
  });
});
