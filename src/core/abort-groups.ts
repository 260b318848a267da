/**
 * What an abort concerns, with one listener for each signal however many members share it: Node warns of a leak from the
 * eleventh listener of a signal on.
 */

interface Group<T> {
  readonly members: Set<T>;
  readonly stop: () => void;
}

export class AbortGroups<T> {
  readonly #groups = new Map<AbortSignal, Group<T>>();
  readonly #onAbort: (member: T, reason: unknown) => void;

  /** @param onAbort called for each member of a signal that aborts, which is a member no longer */
  constructor(onAbort: (member: T, reason: unknown) => void) {
    this.#onAbort = onAbort;
  }

  add(signal: AbortSignal | undefined, member: T): void {
    if (!signal) return;
    const known = this.#groups.get(signal);
    if (known) {
      known.members.add(member);
      return;
    }
    const members = new Set([member]);
    const abort = () => {
      this.#groups.delete(signal);
      for (const aborted of members) this.#onAbort(aborted, signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
    this.#groups.set(signal, { members, stop: () => signal.removeEventListener('abort', abort) });
  }

  /** The listener goes with the last member of a signal. */
  delete(signal: AbortSignal | undefined, member: T): void {
    const group = signal && this.#groups.get(signal);
    if (!group?.members.delete(member) || group.members.size > 0) return;
    group.stop();
    this.#groups.delete(signal!);
  }
}
