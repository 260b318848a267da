/** The message that is being written: over a reload it is kept in the window's storage. */
import type { InputPicture } from '../form.ts';
import { type GuardedStorage, isRecord, parsed } from '../guarded-storage.ts';

export interface Draft {
  readonly text: string;
  readonly pictures: readonly InputPicture[];
  /** The id of the message that it takes the place of. */
  readonly edits: number | null;
}

export const emptyDraft: Draft = { text: '', pictures: [], edits: null };

export function isBlank({ text, pictures }: Draft): boolean {
  return text.trim() === '' && pictures.length === 0;
}

const draftKey = 'duet-chat-draft';
const pictureKey = (place: number) => `${draftKey}-${place}`;

/** An edit is not kept: the message that it is of stands in the conversation. */
export function readDraft(storage: GuardedStorage): { readonly draft: Draft; readonly lost: readonly string[] } {
  const read = parsed(storage.read(draftKey), isKeptDraft);
  if (!read) return { draft: emptyDraft, lost: [] };
  const found = read.names.map((name, place) => ({ name, url: storage.read(pictureKey(place)) ?? '' }));
  const isThere = ({ url }: InputPicture) => url.startsWith('data:image/');
  return {
    draft: { ...emptyDraft, text: read.text, pictures: found.filter(isThere) },
    lost: found.filter(picture => !isThere(picture)).map(({ name }) => name),
  };
}

/**
 * Each picture has an entry of its own, since a few large ones may be more than the storage takes.
 * @param before what was written last: its pictures are not written again
 */
export function writeDraft(storage: GuardedStorage, { text, pictures }: Draft, before?: Draft): void {
  if (pictures !== before?.pictures) {
    for (const key of storage.keys()) if (key.startsWith(`${draftKey}-`)) storage.remove(key);
    for (const [place, { url }] of pictures.entries()) storage.write(pictureKey(place), url);
  }
  const kept: KeptDraft = { text, names: pictures.map(({ name }) => name) };
  storage.write(draftKey, JSON.stringify(kept));
}

interface KeptDraft {
  readonly text: string;
  readonly names: readonly string[];
}

function isKeptDraft(value: unknown): value is KeptDraft {
  const isText = (text: unknown) => typeof text === 'string';
  return isRecord(value) && isText(value['text']) && Array.isArray(value['names']) && value['names'].every(isText);
}
