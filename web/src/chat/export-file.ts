/** Saves the conversation that is shown as a file. */
import { report } from '../faults.ts';
import { keepPicture } from '../pictures.ts';
import { fileName, save } from '../save-file.ts';
import * as state from '../state.ts';
import { type Conversation, titleOf } from './conversation.ts';
import { exportHtml, pictureAddresses } from './export-html.ts';

export async function exportConversation(conversation: Conversation): Promise<void> {
  const model = state.capabilities.value?.model ?? '';
  const addresses = new Set(pictureAddresses(conversation).filter(url => url.startsWith('/')));
  try {
    const found = await Promise.all([...addresses].map(async url => [url, await pictureAt(url)] as const));
    const pictures = new Map(found.filter((entry): entry is [string, string] => entry[1] !== undefined));
    const date = new Date().toLocaleString(undefined, { dateStyle: 'long', timeStyle: 'short' });
    const html = exportHtml(conversation, { model, date, pictures });
    save(new Blob([html], { type: 'text/html' }), `${fileName(titleOf(conversation), 'conversation')}.html`);
  } catch (error) {
    report(error);
  }
}

/** undefined if the server does not keep it any more; that nothing can be fetched at all is an error. */
async function pictureAt(url: string): Promise<string | undefined> {
  const file = await state.api.fileOrGone(url);
  return file && (await keepPicture(file, '')).url;
}
