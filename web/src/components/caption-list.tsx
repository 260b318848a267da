/** Captions that the model wrote, equal ones counted; each can be drawn. */
import { showForm } from '../actions.ts';
import { emptyForm } from '../form.ts';
import { countCaptions } from '../job-state.ts';
import { shownTabs } from '../state.ts';
import type { WireSample } from '../wire.ts';

export function CaptionList({ samples }: { samples: readonly WireSample[] }) {
  const captions = countCaptions(samples);
  return (
    <ol class="captions">
      {captions.map(({ caption, times }, index) => (
        <li key={caption} class={index === 0 ? 'is-first' : undefined}>
          <p class="caption">{caption}</p>
          <div class="caption-row">
            {samples.length > 1 && captions.length < samples.length && (
              <span class="hint">{times === 1 ? 'said once' : `said ${times} times out of ${samples.length}`}</span>
            )}
            {shownTabs.value.includes('draw') && (
              <button
                type="button"
                class="quiet"
                aria-label={`Draw this: ${caption}`}
                onClick={() => showForm('draw', { ...emptyForm('draw'), prompt: caption })}
              >
                Draw this
              </button>
            )}
          </div>
        </li>
      ))}
    </ol>
  );
}
