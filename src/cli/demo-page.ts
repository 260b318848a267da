/** One self-contained HTML page of pictures with their captions, and of a dialogue. */
import type { Picture } from '../image/index.ts';
import type { PairSample } from '../pipelines/index.ts';
import type { DemoMessage, DemoPart } from './demo-dialogue.ts';

export interface DemoSection {
  readonly title: string;
  /** Name of the section's sheet, without extension. */
  readonly file: string;
  readonly samples: readonly PairSample[];
}

const style = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
.dialogue { display: flex; flex-direction: column; gap: 0.5rem; }
.dialogue > div { max-width: 80%; padding: 0.5rem 0.9rem; border-radius: 1rem; background: #eee; align-self: start; }
.dialogue > .user { align-self: end; background: #d9e7ff; }
.dialogue p { margin: 0; white-space: pre-wrap; } .dialogue img { display: block; width: 12rem; margin: 0.4rem 0; }
section { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: 1rem; }
figure { margin: 0; } img { width: 100%; image-rendering: pixelated; border-radius: 6px; }
figcaption { font-size: 0.9rem; }
@media (prefers-color-scheme: dark) {
  body { background: #181818; color: #ddd; } .dialogue > div { background: #2b2b2b; } .dialogue > .user { background: #1f3a66; }
}
`;

/** The page for the samples of model `name` and a dialogue with it, if there was one; pictures are inside it as data URLs. */
export async function demoPage(
  name: string,
  sections: readonly DemoSection[],
  dialogue: readonly DemoMessage[],
): Promise<string> {
  const said = await Promise.all(dialogue.map(messageOf));
  const bodies = await Promise.all(
    sections.map(async ({ title, samples }) => {
      const figures = await Promise.all(samples.map(figureOf));
      return `<h2>${escapeHtml(title)}</h2>\n<section>\n${figures.join('\n')}\n</section>`;
    }),
  );
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Duet: ${escapeHtml(name)}</title>
<style>${style}</style></head>
<body>
<h1>Duet: ${escapeHtml(name)}</h1>
${said.length > 0 ? `<h2>A dialogue</h2>\n<div class="dialogue">\n${said.join('\n')}\n</div>` : ''}
${bodies.join('\n')}
</body>
</html>
`;
}

async function figureOf({ image, caption }: PairSample): Promise<string> {
  return `<figure>${await pictureOf(image, caption)}<figcaption>${escapeHtml(caption)}</figcaption></figure>`;
}

async function messageOf({ role, content }: DemoMessage): Promise<string> {
  const parts = await Promise.all(content.map(partOf));
  return `<div class="${role}">${parts.join('')}</div>`;
}

function partOf(part: DemoPart): string | Promise<string> {
  return part.type === 'text' ? `<p>${escapeHtml(part.text.trim())}</p>` : pictureOf(part.image, 'a picture');
}

async function pictureOf(image: Picture, alt: string): Promise<string> {
  const png = Buffer.from(await image.toPng()).toString('base64');
  return `<img src="data:image/png;base64,${png}" alt="${escapeHtml(alt)}">`;
}

function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replace(/[&<>"]/g, character => entities[character]!);
}
