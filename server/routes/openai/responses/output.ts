/** The items of a response while they come about, each told as events of OpenAI's responses API. */
import { randomUUID } from 'node:crypto';

/** Sends an event of this type with these fields. */
export type SendEvent = (type: string, fields: object) => Promise<void>;

interface MessageItem {
  readonly id: string;
  readonly type: 'message';
  readonly status: 'in_progress' | 'completed' | 'incomplete';
  readonly role: 'assistant';
  readonly content: readonly TextPart[];
}

interface PictureItem {
  readonly id: string;
  readonly type: 'image_generation_call';
  readonly status: 'in_progress' | 'completed';
  /** Base64. */
  readonly result: string | null;
}

interface TextPart {
  readonly type: 'output_text';
  readonly text: string;
  readonly annotations: readonly never[];
  readonly logprobs: readonly never[];
}

const textPart = (text: string): TextPart => ({ type: 'output_text', text, annotations: [], logprobs: [] });

export class ResponseOutput {
  readonly #send: SendEvent;
  readonly #items: (MessageItem | PictureItem)[] = [];
  /** The message that words go on in. */
  #open: { readonly id: string; readonly index: number; text: string } | undefined;
  /** By the numbers of the pictures: the places of their items. */
  readonly #places: number[] = [];
  readonly #partials: number[] = [];

  constructor(send: SendEvent) {
    this.#send = send;
  }

  get items(): readonly unknown[] {
    return this.#items;
  }

  async text(delta: string): Promise<void> {
    this.#open ??= await this.#openMessage();
    this.#open.text += delta;
    await this.#send('response.output_text.delta', { ...this.#textPlace(), delta, logprobs: [] });
  }

  async pictureStarted(picture: number): Promise<void> {
    await this.#closeMessage('completed');
    const item: PictureItem = {
      id: newId('ig'),
      type: 'image_generation_call',
      status: 'in_progress',
      result: null,
    };
    this.#places[picture] = this.#items.push(item) - 1;
    await this.#send('response.output_item.added', { output_index: this.#places[picture], item });
    await this.#tellPicture(picture, 'in_progress');
    await this.#tellPicture(picture, 'generating');
  }

  /** Its partial images so far. */
  partialsOf(picture: number): number {
    return this.#partials[picture] ?? 0;
  }

  /** @param base64 of the file */
  async preview(picture: number, base64: string): Promise<void> {
    const partial = this.partialsOf(picture);
    this.#partials[picture] = partial + 1;
    await this.#tellPicture(picture, 'partial_image', { partial_image_index: partial, partial_image_b64: base64 });
  }

  /** @param base64 of the file */
  async picture(picture: number, base64: string): Promise<void> {
    const place = this.#places[picture]!;
    const { id } = this.#items[place]!;
    const item: PictureItem = { id, type: 'image_generation_call', status: 'completed', result: base64 };
    this.#items[place] = item;
    await this.#tellPicture(picture, 'completed');
    await this.#send('response.output_item.done', { output_index: place, item });
  }

  /** No words come any more. */
  async end(finishReason: 'stop' | 'length'): Promise<void> {
    await this.#closeMessage(finishReason === 'stop' ? 'completed' : 'incomplete');
  }

  async #openMessage() {
    const id = newId('msg');
    const item: MessageItem = { id, type: 'message', status: 'in_progress', role: 'assistant', content: [] };
    const index = this.#items.push(item) - 1;
    await this.#send('response.output_item.added', { output_index: index, item });
    const part = textPart('');
    await this.#send('response.content_part.added', { item_id: id, output_index: index, content_index: 0, part });
    return { id, index, text: '' };
  }

  async #closeMessage(status: 'completed' | 'incomplete'): Promise<void> {
    if (!this.#open) return;
    const { id, index, text } = this.#open;
    const part = textPart(text);
    const item: MessageItem = { id, type: 'message', status, role: 'assistant', content: [part] };
    this.#items[index] = item;
    await this.#send('response.output_text.done', { ...this.#textPlace(), text, logprobs: [] });
    await this.#send('response.content_part.done', { ...this.#textPlace(), part });
    await this.#send('response.output_item.done', { output_index: index, item });
    this.#open = undefined;
  }

  #textPlace(): object {
    return { item_id: this.#open?.id, output_index: this.#open?.index, content_index: 0 };
  }

  #tellPicture(picture: number, what: string, more: object = {}): Promise<void> {
    const place = this.#places[picture]!;
    const { id } = this.#items[place]!;
    return this.#send(`response.image_generation_call.${what}`, { item_id: id, output_index: place, ...more });
  }
}

export function newId(kind: string): string {
  return `${kind}_${randomUUID().replaceAll('-', '')}`;
}
