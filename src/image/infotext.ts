/**
 * Infotext: how AUTOMATIC1111's web UI, and everything that reads its pictures, writes down how a picture was made. The
 * prompt, then `Negative prompt: ...`, then one line of `Key: value` pairs; what the format cannot tell apart (a prompt
 * line that begins with "Negative prompt:", white space around a prompt) does not survive it.
 */

export interface Infotext {
  /** May have lines. */
  readonly prompt: string;
  readonly negativePrompt: string;
  /** The pairs of the last line in order, such as `Steps`, `Sampler`, `CFG scale`, `Seed`, `Size`. */
  readonly settings: Readonly<Record<string, string>>;
}

const negativeMark = 'Negative prompt:';
/** Fewer pairs than these and the last line belongs to the prompt: prose has colons too. */
const leastPairs = 3;
const keyPattern = /^\w[\w \-/]+$/;
const longestKey = 100;
const mostPairs = 1000;

/** The text. Keys must be words (letters, digits, `_`, blank, `-`, `/`); pairs with other keys are left out. */
export function formatInfotext({ prompt, negativePrompt, settings }: Infotext): string {
  const pairs = Object.entries(settings).filter(([key]) => isKey(key));
  const last = pairs.map(([key, value]) => `${key}: ${quote(value)}`).join(', ');
  const negative = negativePrompt.trim() === '' ? [] : [`${negativeMark} ${negativePrompt.trim()}`];
  return [...(prompt.trim() === '' ? [] : [prompt.trim()]), ...negative, last].join('\n');
}

/** Reads any text: what has no pairs at its end is all prompt. Linear in the length of the text. */
export function parseInfotext(text: string): Infotext {
  const lines = text.trim().split('\n');
  const pairs = parsePairs(lines.at(-1) ?? '');
  if (pairs.length >= leastPairs) lines.pop();
  const negativeAt = lines.findIndex(line => line.trimStart().startsWith(negativeMark));
  const [prompt, negative] = negativeAt < 0 ? [lines, []] : [lines.slice(0, negativeAt), lines.slice(negativeAt)];
  return {
    prompt: prompt.join('\n').trim(),
    negativePrompt: negative.join('\n').trimStart().slice(negativeMark.length).trim(),
    settings: Object.fromEntries(pairs.length >= leastPairs ? pairs : []),
  };
}

function isKey(key: string): boolean {
  return key.length <= longestKey && keyPattern.test(key) && key.trim() === key;
}

/** As JSON where the value would end the pair or be read as JSON. */
function quote(value: string): string {
  return /[,:\n\r]|^"|^\s|\s$/.test(value) ? JSON.stringify(value) : value;
}

function unquote(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'string' ? value : text;
  } catch {
    return text;
  }
}

function parsePairs(line: string): [key: string, value: string][] {
  const pairs: [string, string][] = [];
  let start = 0;
  while (start < line.length && pairs.length < mostPairs) {
    const colon = line.indexOf(':', start);
    if (colon < 0) break;
    const key = line.slice(start, colon).trim();
    const valueStart = colon + 1 + countBlanks(line, colon + 1);
    const end = valueEnd(line, valueStart);
    if (isKey(key)) {
      const value = line.slice(valueStart, end).trim();
      pairs.push([key, value.startsWith('"') ? unquote(value) : value]);
    }
    start = end + 1;
  }
  return pairs;
}

function countBlanks(line: string, start: number): number {
  let end = start;
  while (line[end] === ' ') end++;
  return end - start;
}

/** Where the value from `start` on ends: at a comma, but not at one inside of a JSON string. */
function valueEnd(line: string, start: number): number {
  let end = start;
  if (line[start] === '"') {
    end++;
    while (end < line.length && line[end] !== '"') end += line[end] === '\\' ? 2 : 1;
    if (end >= line.length) end = start; // never closed: it is no JSON string
  }
  const comma = line.indexOf(',', end);
  return comma < 0 ? line.length : comma;
}
