/** Dialogues as one text, by the Jinja template that a model comes with, as transformers renders it. */
import { Template } from '@huggingface/jinja';
import { DuetError } from '../core/errors.ts';

/** Templates may read further fields. */
export interface ChatMessage {
  readonly role: string;
  readonly content: unknown;
  readonly [field: string]: unknown;
}

export interface ChatTemplateOptions {
  /** Whether the words that begin an answer stand at the end. @default true */
  readonly addGenerationPrompt?: boolean;
  /** Variables that the template may use, such as `bos_token`. */
  readonly variables?: Readonly<Record<string, unknown>>;
}

export class ChatTemplate {
  readonly #template: Template;
  readonly #origin: string;

  /** @throws DuetError 'invalid-config' if it is no template */
  constructor(source: string, origin: string) {
    this.#origin = origin;
    try {
      this.#template = new Template(source);
    } catch (error) {
      throw new DuetError('invalid-config', `${origin}: the chat template cannot be read: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  /** @throws DuetError 'invalid-argument' if the template refuses the messages */
  render(messages: readonly ChatMessage[], options: ChatTemplateOptions = {}): string {
    const { addGenerationPrompt = true, variables = {} } = options;
    try {
      return this.#template.render({
        ...variables,
        messages,
        add_generation_prompt: addGenerationPrompt,
      });
    } catch (error) {
      throw new DuetError(
        'invalid-argument',
        `The chat template of ${this.#origin} refuses this: ${messageOf(error)}`,
        {
          cause: error,
        },
      );
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
