/** What a selection of the gallery is as files: pictures, frames of a mix in their order, captions as texts. Pure. */
import type { GalleryEntry } from './gallery-entries.ts';
import { askedWords } from './job-state.ts';
import { fileName } from './save-file.ts';

export type GalleryFile = { readonly name: string } & ({ readonly url: string } | { readonly text: string });

/** No two have the same name. */
export function galleryFiles(entries: readonly GalleryEntry[]): readonly GalleryFile[] {
  const times = new Map<string, number>();
  return entries.flatMap(filesOf).map(({ name, ending, ...content }) => {
    const before = times.get(name) ?? 0;
    times.set(name, before + 1);
    return { name: `${name}${before === 0 ? '' : `-${before + 1}`}${ending}`, ...content };
  });
}

type Unnumbered = { readonly name: string; readonly ending: string } & (
  | { readonly url: string }
  | { readonly text: string }
);

function filesOf({ job, index, kind }: GalleryEntry): readonly Unnumbered[] {
  const asked = askedWords(job) ?? '';
  if (kind === 'words') {
    const captions = job.samples.flatMap(({ caption }) => caption ?? []);
    return [
      { name: fileName(asked || (captions[0] ?? ''), 'captions'), ending: '.txt', text: `${captions.join('\n')}\n` },
    ];
  }
  if (kind === 'frames') {
    const folder = fileName([asked, job.request.prompt2 ?? ''].join(' '), 'mix');
    const digits = String(job.samples.length).length;
    return job.samples.flatMap(({ url }, place) => {
      const number = String(place + 1).padStart(digits, '0');
      return url ? [{ name: `${folder}-frame-${number}`, ending: '.png', url }] : [];
    });
  }
  const { url, seed, caption } = job.samples[index]!;
  return url ? [{ name: `${fileName(asked || (caption ?? ''), 'duet')}-${seed}`, ending: '.png', url }] : [];
}
