/** Short messages at the edge of the page; faults are announced at once. */
import { dismiss } from '../actions.ts';
import { notices } from '../state.ts';
import { Icon } from './icons.tsx';

export function Notices() {
  return (
    <div class="notices" aria-live="polite">
      {notices.value.map(({ id, text, kind }) => (
        <div key={id} class={`notice is-${kind}`} role={kind === 'error' ? 'alert' : undefined}>
          <p>{text}</p>
          <button type="button" class="quiet round" aria-label="Dismiss" onClick={() => dismiss(id)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}
