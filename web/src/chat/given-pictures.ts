/** Pictures that are put into the message: chosen, dropped or pasted. */
import type { InputPicture } from '../form.ts';
import { readPicture } from '../pictures.ts';
import { capabilities } from '../state.ts';
import { addPictures } from './actions.ts';
import * as chat from './state.ts';

/** What cannot be taken is named above the message. */
export async function takeFiles(files: readonly File[]): Promise<void> {
  const known = capabilities.value;
  if (files.length === 0 || !known) return;
  if (!known.dialogue?.sees) {
    chat.draftFault.value = `${known.model} cannot be given pictures.`;
    return;
  }
  const results = await Promise.allSettled(files.map(file => readPicture(file)));
  const read = results.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []));
  const faults = results.flatMap(({ status }, place) =>
    status === 'rejected' ? [`${files[place]!.name} is not a picture that this browser can read.`] : [],
  );
  const room = roomFor(chat.draft.value.pictures, known.limits.message_pictures);
  if (read.length > room) faults.push(`A message takes at most ${known.limits.message_pictures} pictures.`);
  addPictures(read.slice(0, room));
  chat.draftFault.value = faults.join(' ');
}

function roomFor(taken: readonly InputPicture[], most = Number.POSITIVE_INFINITY): number {
  return Math.max(0, most - taken.length);
}
