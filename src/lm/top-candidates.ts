/** The best continuations of beams: those of the highest scores among all tokens of all beams. */

export interface Candidate {
  readonly beam: number;
  readonly token: number;
  readonly score: number;
}

export class TopCandidates {
  /** The best first; of equal ones the one that came first. */
  readonly list: Candidate[] = [];
  readonly #size: number;

  constructor(size: number) {
    this.#size = size;
  }

  /** Is called for every token of the vocabulary, so it allocates nothing for candidates that the list does not take. */
  offer(beam: number, token: number, score: number): void {
    if (this.list.length === this.#size && score <= this.list[this.#size - 1]!.score) return;
    let at = this.list.length;
    while (at > 0 && this.list[at - 1]!.score < score) at--;
    this.list.splice(at, 0, { beam, token, score });
    if (this.list.length > this.#size) this.list.pop();
  }
}
