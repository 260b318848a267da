/** A job's answer as words and pictures in their order, while it comes about and when it is over. Pure. */
import { isOver, type JobState } from '../job-state.ts';

export interface AnswerPicture {
  readonly type: 'image';
  /** Its place among the answer's pictures. */
  readonly index: number;
  readonly seed: number;
  /** Where the finished picture is. */
  readonly url: string | null;
  /** How an unfinished one looks so far, as a data URL. */
  readonly preview: string | null;
}

export type AnswerPart = { readonly type: 'text'; readonly text: string } | AnswerPicture;

export function answerParts(job: JobState): readonly AnswerPart[] {
  const parts = job.answer ? wholeAnswer(job, job.answer) : answerSoFar(job);
  return isOver(job) ? parts.filter(isThere) : parts;
}

/** The words alone. */
export function wordsOf(parts: readonly AnswerPart[]): string {
  return parts.map(part => (part.type === 'text' ? part.text : '')).join('');
}

function wholeAnswer({ samples }: JobState, { content }: NonNullable<JobState['answer']>): AnswerPart[] {
  return content.map(part => {
    if (part.type === 'text') return part;
    const { url = null, seed = 0 } = samples[part.index] ?? {};
    return { ...part, seed, url, preview: null };
  });
}

/** The text, cut where pictures stand in it. Those of a cancelled job are known by their seeds, as only finished ones are listed. */
function answerSoFar({ text, places, early, previews, samples }: JobState): AnswerPart[] {
  const parts: AnswerPart[] = [];
  let end = 0;
  const begun = places.flatMap((place, index) => (place ? [{ ...place, index }] : []));
  for (const { at, seed, index } of begun.sort((a, b) => a.at - b.at || a.index - b.index)) {
    parts.push({ type: 'text', text: text.slice(end, at) });
    const { url = null } = early[index] ?? samples.find(sample => sample.seed === seed) ?? {};
    parts.push({ type: 'image', index, seed, url, preview: previews[index] ?? null });
    end = Math.max(end, at);
  }
  const placed = new Set(begun.map(({ seed }) => seed));
  // Of a job that was cancelled while nobody watched, the pictures are known and their places are not.
  const others = samples.flatMap(({ seed, url = null }, index): AnswerPart[] =>
    placed.has(seed) ? [] : [{ type: 'image', index, seed, url, preview: null }],
  );
  parts.push({ type: 'text', text: text.slice(end) }, ...others);
  return parts.filter(part => part.type === 'image' || part.text !== '');
}

/** Of an answer that ended early, pictures that had not begun to show are nothing. */
function isThere(part: AnswerPart): boolean {
  return part.type === 'text' ? part.text !== '' : part.url !== null || part.preview !== null;
}

/** Words of no more characters stand above the picture that they lead to, where an answer has several. */
const longestLegend = 140;

export interface Plate {
  readonly type: 'plate';
  readonly text: string;
  readonly picture: AnswerPicture;
}

/** The parts as they are laid out: in answers of several pictures each goes with the few words before it, as in a picture book. */
export function laidOut(parts: readonly AnswerPart[]): readonly (AnswerPart | Plate)[] {
  if (parts.filter(({ type }) => type === 'image').length < 2) return parts;
  return parts.flatMap((part, place): readonly (AnswerPart | Plate)[] => {
    if (part.type === 'text') return parts[place + 1]?.type === 'image' && isLegend(part.text) ? [] : [part];
    const before = parts[place - 1];
    const text = before?.type === 'text' && isLegend(before.text) ? before.text : '';
    return [{ type: 'plate', text, picture: part }];
  });
}

function isLegend(text: string): boolean {
  return text.length <= longestLegend;
}
