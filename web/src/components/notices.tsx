/** Short messages at the edge of the page; faults are announced at once. */
import { dismiss, notices } from '../notices.ts';
import { IconButton } from './icon-button.tsx';

export function Notices() {
  return (
    <div class="notices" aria-live="polite">
      {notices.value.map(notice => (
        <div key={notice} class={`notice is-${notice.kind}`} role={notice.kind === 'error' ? 'alert' : undefined}>
          <p>{notice.text}</p>
          <IconButton icon="close" name="Dismiss" onClick={() => dismiss(notice)} />
        </div>
      ))}
    </div>
  );
}
