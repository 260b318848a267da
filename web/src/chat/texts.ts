/** What the Chat tab says of a model and of faults. Pure. */
import type { Capabilities, WireError } from '../wire.ts';

type Dialogue = Capabilities['dialogue'];

export function chatTitle({ dialogue, model }: Capabilities): string {
  if (dialogue?.draws) return 'Talk in words and pictures';
  return dialogue?.sees ? 'Talk about pictures' : `Talk with ${model}`;
}

/** What one can do in a conversation that has not begun. */
export function chatHint({ dialogue, model }: Capabilities): string {
  return [`${model} answers ${dialogue?.draws ? 'and draws as it goes along' : 'in words'}.`, seeing(dialogue)].join(
    ' ',
  );
}

function seeing(dialogue: Dialogue): string {
  if (!dialogue?.sees) return 'It cannot be given pictures.';
  return 'Give it a picture too: drop it here, paste it, or choose one.';
}

/** What stands between the messages that a model with a short memory does not read any more and those that it reads. */
export function readingLine({ dialogue, model }: Capabilities): string {
  const count = dialogue?.exchanges;
  return `${model} reads from here on: ${count === 1 ? 'the last exchange' : `the last ${count} exchanges`}`;
}

export interface Help {
  readonly text: string;
  /** What a person can do, the best first. */
  readonly ways: readonly ('again' | 'edit' | 'new')[];
}

/** Codes of what the next try may find otherwise. */
const passing: Readonly<Record<string, string>> = {
  queue_full: 'The queue is full. Try again in a moment.',
  rate_limit_exceeded: 'Too many requests in a short time. Try again in a moment.',
};
const ofTheRequest: ReadonlySet<string> = new Set([
  'invalid_value',
  'unsupported_value',
  'missing_required_parameter',
  'invalid_image',
  'request_too_large',
  'picture_gone',
  'not_allowed',
]);

export function helpFor({ code, message }: WireError): Help {
  if (Object.hasOwn(passing, code)) return { text: passing[code]!, ways: ['again'] };
  if (ofTheRequest.has(code)) return { text: message, ways: ['edit', 'new'] };
  return { text: message, ways: ['again'] };
}
