/** Is shown while a picture is dragged over the page: dropped anywhere but on a picture field or the Chat tab, its settings are restored. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { droppedPicture, holdsPicture } from '../dragging.ts';
import { restoreFromFile } from '../restore-file.ts';
import { shownTab } from '../state.ts';

export function DropVeil() {
  const shown = useSignal(false);
  useEffect(() => {
    const over = (event: DragEvent) => {
      if (!holdsPicture(event.dataTransfer)) return;
      event.preventDefault();
      shown.value = !(event.target instanceof Element && event.target.closest('.picture-input'));
    };
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) shown.value = false;
    };
    const end = () => (shown.value = false);
    const drop = async (event: DragEvent) => {
      end();
      if (!holdsPicture(event.dataTransfer)) return;
      event.preventDefault();
      const file = await droppedPicture(event.dataTransfer!);
      if (file) await restoreFromFile(file);
    };
    document.addEventListener('dragover', over);
    document.addEventListener('dragleave', leave);
    document.addEventListener('dragend', end);
    document.addEventListener('drag-end', end);
    document.addEventListener('drop', drop);
    return () => {
      document.removeEventListener('dragover', over);
      document.removeEventListener('dragleave', leave);
      document.removeEventListener('dragend', end);
      document.removeEventListener('drag-end', end);
      document.removeEventListener('drop', drop);
    };
  }, []);
  if (!shown.value) return null;
  return (
    <div class="veil" aria-hidden="true">
      <p>{shownTab.value === 'chat' ? 'Drop it into your message' : 'Drop it to restore its settings'}</p>
    </div>
  );
}
