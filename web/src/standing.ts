/** Whether a result belongs to what stands in the form beside it. Pure. */
import { type Form, type FormCall, type InputPicture, type JobBody, toBody } from './form.ts';
import { isOver, type JobState } from './job-state.ts';
import type { Capabilities, WireRequest } from './wire.ts';

const pictureNames = ['image', 'image2', 'mask'] as const;
type PictureName = (typeof pictureNames)[number];

/** A job on a stage, and fingerprints of the pictures that it was given, as far as they are known. */
export interface Shown {
  readonly id: string;
  readonly pictures: Readonly<Partial<Record<PictureName, string>>>;
  /** The last previews of its pictures when it was cancelled: the server keeps only finished ones. */
  readonly unfinished?: readonly string[];
}

/** What stands beside a result. */
export interface FilledForm {
  readonly form: Form;
  readonly formCall: FormCall;
  readonly known: Capabilities;
}

/** @param body the request that the form made */
export function shownFor(id: string, form: Form, body: JobBody): Shown {
  return { id, pictures: fingerprintsOf(form, body) };
}

/**
 * `current`: made from the present contents of the form. `former`: made from another caption, mode or mask, which the
 * page must state. `gone`: made from another picture than the one in the form, so that it must not be shown beside it.
 */
export function standingOf(
  job: JobState,
  { pictures }: Shown,
  { form, formCall, known }: FilledForm,
): 'current' | 'former' | 'gone' {
  const isReplaced = (name: 'image' | 'image2') =>
    wasGiven(job.request, name) && form[name] !== null && fingerprint(form[name]) !== pictures[name];
  if (isOver(job) && (isReplaced('image') || isReplaced('image2'))) return 'gone';
  const words = toBody(form, formCall, known);
  const now = fingerprintsOf(form, words);
  const isSame =
    formCall.mode === job.mode &&
    (['prompt', 'prompt2', 'negative_prompt'] as const).every(name => words[name] === job.request[name]) &&
    pictureNames.every(name => (now[name] !== undefined) === wasGiven(job.request, name)) &&
    pictureNames.every(name => now[name] === undefined || now[name] === pictures[name]);
  return isSame ? 'current' : 'former';
}

function wasGiven(request: WireRequest, name: PictureName): boolean {
  return request[`${name}_url`] !== undefined;
}

/** Fingerprints of the pictures that the form would send. */
function fingerprintsOf(form: Form, body: JobBody): Shown['pictures'] {
  const found: Partial<Record<PictureName, string>> = {};
  for (const name of pictureNames) {
    const picture = form[name];
    if (picture && body[name] !== undefined) found[name] = fingerprint(picture);
  }
  return found;
}

const fingerprints = new WeakMap<InputPicture, string>();

function fingerprint(picture: InputPicture): string {
  const found = fingerprints.get(picture) ?? hash(picture.url);
  fingerprints.set(picture, found);
  return found;
}

/**
 * Two 32-bit FNV-1a hashes, of the text's even and odd characters, and its length: to tell pictures apart, not to
 * protect.
 */
function hash(text: string): string {
  const hashes = [0x811c9dc5, 0x811c9dc5];
  for (let index = 0; index < text.length; index++) {
    hashes[index % 2] = Math.imul(hashes[index % 2]! ^ text.charCodeAt(index), 0x01000193);
  }
  return [...hashes.map(value => (value >>> 0).toString(36)), text.length.toString(36)].join('-');
}
