/** Prompts in which pictures stand among words. */
import { DuetError } from '../core/errors.ts';
import type { Extension } from './cached-decoding.ts';

export interface PlacedImages {
  /** The token that keeps a place. */
  readonly placeholder: number;
  /** The vectors of each picture, [N, W], in the order of their places. */
  readonly images: readonly Float32Array[];
  /** W, that of the language model's embeddings. */
  readonly width: number;
}

/**
 * The prompt `ids` with the pictures' vectors in their places. A placeholder stands either for a whole picture (LLaVA, MiniGPT-4)
 * or for one vector (prompts that transformers' processors have widened); how many there are tells which.
 * @throws DuetError `invalid-argument` if there are more or fewer places than pictures
 */
export function placeImages(ids: readonly number[], { placeholder, images, width }: PlacedImages): Extension {
  const counts = images.map(image => image.length / width);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const places = ids.filter(id => id === placeholder).length;
  if (places !== images.length && places !== total) {
    throw new DuetError(
      'invalid-argument',
      `The prompt has ${places} image placeholders and ${images.length} pictures are given: write one for each picture` +
        (total > images.length ? `, or one for each of their ${total} vectors` : ''),
    );
  }
  if (places === 0) return { ids };
  const sizes = places === images.length ? counts : new Array<number>(places).fill(1);
  let next = 0;
  const placed = ids.flatMap(id => (id === placeholder ? new Array<number>(sizes[next++]!).fill(-1) : id));
  const vectors = new Float32Array(placed.length * width);
  const all = images.flatMap((image, index) =>
    Array.from({ length: counts[index]! }, (_, row) => image.subarray(row * width, (row + 1) * width)),
  );
  let taken = 0;
  for (const [at, id] of placed.entries()) if (id < 0) vectors.set(all[taken++]!, at * width);
  return { ids: placed, vectors };
}
