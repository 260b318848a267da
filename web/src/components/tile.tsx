/** A finished picture: opens the viewer, can be dragged onto any picture field, and opens as a file in a new tab. */
import { startDrag } from '../dragging.ts';
import { askedWords, type JobState, sampleAt } from '../job-state.ts';
import { view } from '../navigation.ts';
import { Picture } from './picture.tsx';

interface TileProps {
  readonly job: JobState;
  readonly index: number;
  readonly alt: string;
}

export function Tile({ job, index, alt }: TileProps) {
  const url = job.samples[index]?.url;
  if (!url) return null;
  const open = (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    view({ jobId: job.id, index });
  };
  return (
    <a class="tile" href={url} onClick={open} onDragStart={event => startDrag(event, url)} draggable>
      <Picture url={url} alt={alt} />
    </a>
  );
}

export function altOf(job: JobState, index: number): string {
  const { caption, seed } = sampleAt(job, index) ?? {};
  const words = caption ?? askedWords(job);
  return words ? `${words}, seed ${seed}` : `Picture, seed ${seed}`;
}
