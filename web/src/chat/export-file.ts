/** Saves the conversation that is shown as a file. */
import { report } from '../faults.ts';
import { keepPicture } from '../pictures.ts';
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
    save(new Blob([html], { type: 'text/html' }), `${fileName(titleOf(conversation))}.html`);
  } catch (error) {
    report(error);
  }
}

/** undefined if the server does not keep it any more; that nothing can be fetched at all is an error. */
async function pictureAt(url: string): Promise<string | undefined> {
  const file = await state.api.fileOrGone(url);
  return file && (await keepPicture(file, '')).url;
}

function fileName(title: string): string {
  const words = title.normalize('NFC').match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.slice(0, 8).join('-').toLowerCase() || 'conversation';
}

function save(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  const link = Object.assign(document.createElement('a'), { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  // The download has begun when the click returns, and holds the file itself.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
