/** One self-contained HTML page of pictures with their captions. */
import type { PairSample } from '../pipelines/index.ts';

export interface DemoSection {
  readonly title: string;
  /** Name of the section's sheet, without extension. */
  readonly file: string;
  readonly samples: readonly PairSample[];
}

const style = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
section { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: 1rem; }
figure { margin: 0; } img { width: 100%; image-rendering: pixelated; border-radius: 6px; }
figcaption { font-size: 0.9rem; }
@media (prefers-color-scheme: dark) { body { background: #181818; color: #ddd; } }
`;

/** The page for the samples of model `name`; pictures are inside it as data URLs. */
export async function demoPage(name: string, sections: readonly DemoSection[]): Promise<string> {
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
${bodies.join('\n')}
</body>
</html>
`;
}

async function figureOf({ image, caption }: PairSample): Promise<string> {
  const png = Buffer.from(await image.toPng()).toString('base64');
  return `<figure><img src="data:image/png;base64,${png}" alt="${escapeHtml(caption)}"><figcaption>${escapeHtml(caption)}</figcaption></figure>`;
}

function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replace(/[&<>"]/g, character => entities[character]!);
}
