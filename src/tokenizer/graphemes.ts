/** Grapheme clusters of a text of any length. What `Intl.Segmenter` takes for each of them grows with the text that it is given. */

const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' });

/** Code units that are given to the segmenter at once, if no cluster is longer. */
const leastWindow = 64;

/** Between two printable characters of ASCII clusters end, whatever stands around them. */
const certainEnd = /(?<=[ -~])(?=[ -~])/;

/** Extended grapheme clusters (Unicode Standard Annex 29), in order. */
export function* graphemes(text: string): Generator<string, void> {
  for (const part of text.split(certainEnd)) {
    if (part.length === 1) yield part;
    else yield* inWindows(part);
  }
}

/** Whether a cluster ends in a place depends on what stands before, from the last end on, and on the next character alone. */
function* inWindows(text: string): Generator<string, void> {
  let window = leastWindow;
  for (let start = 0; start < text.length; ) {
    const end = wholeCharacters(text, start + window);
    const clusters = Array.from(segmenter.segment(text.slice(start, end)), ({ segment }) => segment);
    // The last one may go on behind the window.
    const whole = end < text.length ? clusters.slice(0, -1) : clusters;
    yield* whole;
    for (const { length } of whole) start += length;
    window = whole.length > 0 ? leastWindow : 2 * window;
  }
}

/** `end`, or one less where that would be inside a surrogate pair. */
function wholeCharacters(text: string, end: number): number {
  if (end >= text.length) return text.length;
  const isInside = /^[\ud800-\udbff][\udc00-\udfff]$/.test(text.slice(end - 1, end + 1));
  return isInside ? end - 1 : end;
}
