/** A picture of an answer: noise, then how it looks so far, then the picture, which opens in the viewer. */
import type { AnswerPicture } from '../../chat/answer-parts.ts';
import { startDrag } from '../../dragging.ts';
import { view } from '../../navigation.ts';
import { findJob } from '../../state.ts';
import { NoiseTile } from '../noise-tile.tsx';
import { Picture } from '../picture.tsx';

interface AnswerPictureProps {
  readonly picture: AnswerPicture;
  readonly jobId: string | null;
  readonly isBusy: boolean;
  readonly isAlone: boolean;
}

export function AnswerPictureTile({ picture, jobId, isBusy, isAlone }: AnswerPictureProps) {
  const { index, url } = picture;
  return (
    <div class={isAlone ? 'answer-picture is-alone' : 'answer-picture'}>
      {url === null ? (
        <Unfinished picture={picture} jobId={jobId} isBusy={isBusy} />
      ) : (
        <a
          class="tile"
          href={url}
          draggable
          onDragStart={event => startDrag(event, url)}
          onClick={event => {
            if (event.ctrlKey || event.metaKey || event.shiftKey || jobId === null) return;
            event.preventDefault();
            view({ jobId, index: sampleOf(jobId, url) ?? index });
          }}
        >
          <Picture url={url} alt={`Picture ${index + 1}`} />
        </a>
      )}
    </div>
  );
}

/** Its place among the job's samples: a cancelled job has only the finished ones. */
function sampleOf(jobId: string, url: string): number | undefined {
  const place = findJob(jobId)?.samples.findIndex(sample => sample.url === url) ?? -1;
  return place < 0 ? undefined : place;
}

function Unfinished({ picture: { index, preview }, jobId, isBusy }: Omit<AnswerPictureProps, 'isAlone'>) {
  const name = `Picture ${index + 1}`;
  if (!isBusy && preview !== null) {
    const file = `duet-unfinished-${index + 1}.png`;
    return (
      <a class="tile is-unfinished" href={preview} download={file} title="Unfinished. Download">
        <Picture url={preview} alt={`${name}, unfinished. Download`} />
      </a>
    );
  }
  const progress = findJob(jobId ?? undefined)?.progress;
  const done = progress?.index === index ? progress.step / progress.steps : 0;
  return (
    <>
      <div class="tile is-pending">
        {preview === null ? (
          <NoiseTile moving label={`${name}, not begun`} />
        ) : (
          <Picture url={preview} alt={`${name} so far`} />
        )}
      </div>
      <progress class="bar makes-images" max={1} value={done} aria-label={`Progress of picture ${index + 1}`} />
    </>
  );
}
