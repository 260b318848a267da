/** The text of tokens that come one by one: pieces never end inside a character, and never hold a part of a stop string. */

/** What is needed of a tokenizer. */
export interface TextDecoding {
  decode(ids: readonly number[], options: { readonly skipSpecial: boolean }): string;
}

export interface TextStreamOptions {
  /** Ids before the first: their text is not part of it, but decides whether a blank stands in front. @default none */
  readonly before?: readonly number[];
  /** The text ends before the first of these that occurs in it. @default none */
  readonly stop?: readonly string[];
}

/** Ids of the text before that decoding looks at; what decides about blanks is nearer. */
const contextLength = 8;

export class TextStream {
  readonly #decoding: TextDecoding;
  readonly #stop: readonly string[];
  /** Ids from which text is decoded: those before `#read` are context whose text was given out. */
  #ids: number[];
  #read: number;
  /** Text that may be the beginning of a stop string. */
  #held = '';
  #isStopped = false;

  constructor(decoding: TextDecoding, { before = [], stop = [] }: TextStreamOptions = {}) {
    this.#decoding = decoding;
    this.#stop = stop.filter(text => text !== '');
    this.#ids = before.slice(-contextLength);
    // Half a character would make the bytes behind it unreadable too.
    while (this.#text(this.#ids).startsWith('\ufffd')) this.#ids.shift();
    this.#read = this.#ids.length;
  }

  /** Whether a stop string has occurred: there is no more text. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** The text that is certain once `id` has come; often none. */
  push(id: number): string {
    if (this.#isStopped) return '';
    this.#ids.push(id);
    const added = this.#added();
    // The bytes so far may end inside a character.
    if (added === '' || added.endsWith('\ufffd')) return '';
    // What was read last is the context of what comes: it ends and begins with whole characters.
    this.#ids = this.#ids.slice(this.#read);
    this.#read = this.#ids.length;
    return this.#release(added, false);
  }

  /** The rest of the text, when no more ids come. */
  end(): string {
    if (this.#isStopped) return '';
    const added = this.#added();
    this.#read = this.#ids.length;
    return this.#release(added, true);
  }

  /** The text of the ids that were not given out. */
  #added(): string {
    return this.#text(this.#ids).slice(this.#text(this.#ids.slice(0, this.#read)).length);
  }

  #text(ids: readonly number[]): string {
    return this.#decoding.decode(ids, { skipSpecial: true });
  }

  #release(added: string, isEnd: boolean): string {
    const text = this.#held + added;
    const found = this.#stop.map(stop => text.indexOf(stop)).filter(at => at >= 0);
    if (found.length > 0) {
      this.#isStopped = true;
      this.#held = '';
      return text.slice(0, Math.min(...found));
    }
    const kept = isEnd ? 0 : Math.max(0, ...this.#stop.map(stop => overlap(text, stop)));
    this.#held = text.slice(text.length - kept);
    return text.slice(0, text.length - kept);
  }
}

/** The length of the longest end of `text` that `stop` begins with. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (stop.startsWith(text.slice(text.length - length))) return length;
  }
  return 0;
}
