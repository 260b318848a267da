/** Pictures dragged within the page or into it from outside. */
import { api } from './state.ts';

/** Marks a drag that began on one of the page's own pictures; its data is the picture's address. */
const ownType = 'application/x-duet-picture';

export function startDrag(event: DragEvent, url: string): void {
  event.dataTransfer?.setData(ownType, url);
  if (event.dataTransfer) event.dataTransfer.effectAllowed = 'copy';
}

export function holdsPicture(data: DataTransfer | null): boolean {
  return data !== null && (data.types.includes('Files') || data.types.includes(ownType));
}

/** The files of a drop. Addresses of other sites are never fetched. */
export async function droppedFiles(data: DataTransfer): Promise<readonly File[]> {
  const url = data.getData(ownType);
  if (!url) return [...data.files];
  const blob = url.startsWith('data:') ? undefined : await api.file(url).catch(() => undefined);
  if (!blob) return [];
  return [new File([blob], url.split('/').at(-1) || 'picture.png', { type: blob.type || 'image/png' })];
}

/** The first picture of a drop. */
export async function droppedPicture(data: DataTransfer): Promise<File | undefined> {
  return (await droppedFiles(data)).find(file => file.type.startsWith('image/'));
}
