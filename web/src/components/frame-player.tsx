/** An interpolation: one frame in large, a slider over all, and playing to and fro. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { JobState } from '../job-state.ts';
import { IconButton } from './icon-button.tsx';
import { Picture } from './picture.tsx';
import { Tile } from './tile.tsx';

const frameTime = 220;

export function FramePlayer({ job }: { job: JobState }) {
  const count = job.samples.length;
  const place = useSignal(0);
  const plays = useSignal(false);
  useEffect(() => {
    if (!plays.value) return;
    let step = place.value >= count - 1 ? -1 : 1;
    const timer = setInterval(() => {
      if (place.value + step < 0 || place.value + step >= count) step = -step;
      place.value = Math.min(count - 1, Math.max(0, place.value + step));
    }, frameTime);
    return () => clearInterval(timer);
  }, [plays.value, count]);
  const { prompt, prompt2 } = job.request;
  const show = (index: number) => {
    plays.value = false;
    place.value = index;
  };
  return (
    <div class="player">
      <Tile job={job} index={place.value} alt={`Frame ${place.value + 1} of ${count}`} />
      <div class="player-row">
        <IconButton
          icon={plays.value ? 'pause' : 'play'}
          name={plays.value ? 'Pause' : 'Play'}
          class=""
          onClick={() => (plays.value = !plays.value)}
        />
        <input
          type="range"
          min={0}
          max={count - 1}
          step={1}
          value={place.value}
          aria-label="Frame"
          aria-valuetext={`${place.value + 1} of ${count}`}
          onInput={event => show(event.currentTarget.valueAsNumber)}
        />
      </div>
      {prompt && prompt2 && (
        <div class="player-ends">
          <p class="caption">{prompt}</p>
          <p class="caption">{prompt2}</p>
        </div>
      )}
      <ul class="strip" aria-label="Frames">
        {job.samples.map(({ url }, index) => (
          <li key={url}>
            <button
              type="button"
              aria-pressed={index === place.value}
              aria-label={`Frame ${index + 1}`}
              onClick={() => show(index)}
            >
              {url && <Picture url={url} alt="" />}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
