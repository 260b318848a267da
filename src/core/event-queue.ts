/** Events of several makers, read in the order in which they were made. One reader; nothing is lost while it is busy. */
export class EventQueue<E> implements AsyncIterable<E> {
  readonly #waiting: E[] = [];
  #isEnded = false;
  #failure: { readonly error: unknown } | undefined;
  #wake: () => void = () => {};

  push(event: E): void {
    this.#waiting.push(event);
    this.#wake();
  }

  /** No event comes any more. */
  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  /** The reader gets `error` after the events that are there. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<E, void> {
    for (;;) {
      while (this.#waiting.length > 0) yield this.#waiting.shift()!;
      if (this.#failure) throw this.#failure.error;
      if (this.#isEnded) return;
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
    }
  }
}
