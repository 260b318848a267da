/**
 * A conversation as one HTML file that needs nothing else: its pictures are in it, it has no scripts, and it fetches nothing.
 * All that people and models wrote stays text. Pure.
 */
import type { AnswerPart } from './answer-parts.ts';
import { type Answer, type Conversation, pathOf, type Question, titleOf } from './conversation.ts';

export interface ExportFacts {
  readonly model: string;
  /** When it was written, as people read it. */
  readonly date: string;
  /** Data URLs of pictures by their addresses. What lacks is named as not kept. */
  readonly pictures: ReadonlyMap<string, string>;
}

/** The addresses of the pictures that are shown. */
export function pictureAddresses(conversation: Conversation): readonly string[] {
  return pathOf(conversation).flatMap(id => {
    const message = conversation.messages[id]!;
    if (message.role === 'user') return message.pictures.map(({ url }) => url);
    return message.parts.flatMap(part => (part.type === 'image' ? [part.url ?? part.preview ?? ''] : []));
  });
}

export function exportHtml(conversation: Conversation, { model, date, pictures }: ExportFacts): string {
  const messages = pathOf(conversation).map(id => {
    const message = conversation.messages[id]!;
    return message.role === 'user' ? questionHtml(message, pictures) : answerHtml(message, model, pictures);
  });
  const title = escaped(titleOf(conversation));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>${title}</h1>
<p>A conversation with ${escaped(model)}, ${escaped(date)}</p>
</header>
<main>
${messages.join('\n')}
</main>
</body>
</html>
`;
}

type Pictures = ExportFacts['pictures'];

function questionHtml({ text, pictures: given }: Question, pictures: Pictures): string {
  const shown = given.map(({ name, url }) => pictureHtml(url, name, pictures)).join('');
  const words = text === '' ? '' : `<p>${escaped(text)}</p>`;
  return `<section class="you">\n<h2>You</h2>\n${shown}${words}\n</section>`;
}

function answerHtml({ parts, status, fault }: Answer, model: string, pictures: Pictures): string {
  const body = parts.map(part => partHtml(part, pictures)).join('');
  const notes = {
    stopped: 'Stopped',
    failed: fault?.message ?? 'It failed',
    lost: fault?.message ?? 'It is lost',
    sending: 'Not answered yet',
    running: 'Not answered yet',
    done: '',
  } as const satisfies Record<Answer['status'], string>;
  const note = notes[status] === '' ? '' : `<p class="note">${escaped(notes[status])}</p>`;
  return `<section class="model">\n<h2>${escaped(model)}</h2>\n${body}${note}\n</section>`;
}

function partHtml(part: AnswerPart, pictures: Pictures): string {
  if (part.type === 'text') return part.text.trim() === '' ? '' : `<p>${escaped(part.text.trim())}</p>`;
  const unfinished = part.url === null ? ', unfinished' : '';
  return pictureHtml(part.url ?? part.preview ?? '', `Picture ${part.index + 1}${unfinished}`, pictures);
}

const pictureData = /^data:image\/(png|jpeg|webp|gif|avif);base64,[a-z0-9+/]+={0,2}$/i;

function pictureHtml(url: string, name: string, pictures: Pictures): string {
  const data = url.startsWith('data:') ? url : (pictures.get(url) ?? '');
  if (!pictureData.test(data)) return `<p class="note">A picture that is not kept any more: ${escaped(name)}</p>`;
  return `<img src="${data}" alt="${escaped(name)}">`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Also where the text stands in an attribute with quotes. A NUL, which HTML cannot hold, is shown as what parsers make of it. */
function escaped(text: string): string {
  return text.replace(/[&<>"']/g, character => entities[character]!).replaceAll('\0', '\uFFFD');
}

const style = `
:root { --paper: #f7f6f4; --surface: #fff; --ink: #221f2b; --soft: #5d5866; --line: #dedad6; --you: #e4ebfb; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #17151c; --surface: #201d27; --ink: #f0edf4; --soft: #aca5b8; --line: #35303f; --you: #263352; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 32px 20px 64px; max-width: 720px; background: var(--paper); color: var(--ink);
  font: 17px/1.5 ui-serif, "Iowan Old Style", Charter, Georgia, "Liberation Serif", serif; }
header { margin-bottom: 28px; }
h1 { margin: 0; font-size: 26px; font-weight: 500; line-height: 1.2; overflow-wrap: anywhere; }
h2, header p, .note { margin: 0; color: var(--soft); font: 600 13px/1.5 system-ui, sans-serif; }
header p, .note { font-weight: 400; }
main { display: grid; gap: 20px; }
section { display: grid; gap: 10px; justify-items: start; max-width: 88%; }
section p { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.you { justify-self: end; padding: 10px 16px 12px; border-radius: 18px 18px 4px 18px; background: var(--you); }
.model { justify-self: start; padding: 10px 16px 14px; border-radius: 18px 18px 18px 4px; background: var(--surface); }
img { display: block; width: 256px; max-width: 100%; height: auto; border-radius: 12px; box-shadow: 0 0 0 1px var(--line); image-rendering: pixelated; }
.you img { width: 128px; }
@media print { body { max-width: none; } section { break-inside: avoid; } }
`;
