/**
 * Captions without sense, for a decoder that is to read what stands there: a language model that has only ever seen the
 * combinations of its training set turns an unseen one ("three rabbits") into one that it knows ("three mice").
 */

/**
 * `captions` with a `share` of them replaced by as many words drawn from all captions of the batch; which ones they are
 * is drawn too. `random` gives numbers in [0, 1).
 */
export function randomWords(captions: readonly string[], share: number, random: () => number): readonly string[] {
  if (share === 0) return captions;
  const words = captions.map(caption => caption.split(' '));
  const all = words.flat();
  const word = (): string => all[Math.floor(random() * all.length)]!;
  return words.map(own => (random() < share ? own.map(word) : own).join(' '));
}
