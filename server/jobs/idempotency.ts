/** Idempotency keys: a request that a client sends again, because it did not receive the response, makes one job. */
import { createHash } from 'node:crypto';
import { DuetError } from '../../src/core/errors.ts';
import { separateFiles } from './given-files.ts';
import type { JobRequest } from './types.ts';

export interface IdempotencyMark {
  readonly key: string;
  /** Of the request: the same key with another one is a mistake. */
  readonly fingerprint: string;
}

export class IdempotencyKeys {
  readonly #jobs = new Map<string, IdempotencyMark & { readonly id: string }>();
  readonly #places = new Map<string, string>();

  /** The job that the key stands for, if any. Throws DuetError 'invalid-argument' if it stood for another request. */
  find(owner: string, { key, fingerprint }: IdempotencyMark): string | undefined {
    const known = this.#jobs.get(placeOf(owner, key));
    if (known && known.fingerprint !== fingerprint) {
      throw new DuetError(
        'invalid-argument',
        `The Idempotency-Key ${JSON.stringify(key)} was used for another request`,
      );
    }
    return known?.id;
  }

  set(owner: string, mark: IdempotencyMark, id: string): void {
    const place = placeOf(owner, mark.key);
    this.#jobs.set(place, { ...mark, id });
    this.#places.set(id, place);
  }

  forget(id: string): void {
    const place = this.#places.get(id);
    if (place !== undefined) this.#jobs.delete(place);
    this.#places.delete(id);
  }
}

export function idempotencyMark(key: string, request: JobRequest): IdempotencyMark {
  const { shown, files } = separateFiles(request);
  const hash = createHash('sha256').update(JSON.stringify(Object.entries(shown).sort()));
  for (const [name, bytes] of Object.entries(files)) hash.update(`${name}:${bytes.length}:`).update(bytes);
  return { key, fingerprint: hash.digest('hex') };
}

function placeOf(owner: string, key: string): string {
  return JSON.stringify([owner, key]);
}
