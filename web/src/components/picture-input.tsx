/** Takes a picture: picked, dropped, pasted, or dragged over from the page itself. */
import { useSignal } from '@preact/signals';
import { useEffect, useId, useRef } from 'preact/hooks';
import { droppedPicture, holdsPicture } from '../dragging.ts';
import type { InputPicture } from '../form.ts';
import { notifyError } from '../notices.ts';
import { pictureTypes, readPicture } from '../pictures.ts';
import { IconButton } from './icon-button.tsx';
import { Icon } from './icons.tsx';
import { RecentPictures } from './recent-pictures.tsx';

interface PictureInputProps {
  readonly label: string;
  readonly value: InputPicture | null;
  readonly onChange: (picture: InputPicture | null) => void;
  /** Takes what is pasted anywhere on the page. */
  readonly takesPaste?: boolean;
}

export function PictureInput({ label, value, onChange, takesPaste = false }: PictureInputProps) {
  const id = useId();
  const isOver = useSignal(false);
  const input = useRef<HTMLInputElement>(null);
  const take = (file: File | Blob | null | undefined) => {
    if (file) readPicture(file).then(onChange, notifyError);
  };
  const takeLatest = useRef(take);
  takeLatest.current = take;
  useEffect(() => {
    if (!takesPaste) return;
    const onPaste = (event: ClipboardEvent) => {
      const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith('image/'));
      if (file) event.preventDefault();
      takeLatest.current(file);
    };
    addEventListener('paste', onPaste);
    return () => removeEventListener('paste', onPaste);
  }, [takesPaste]);
  const onDrop = async (event: DragEvent) => {
    isOver.value = false;
    if (!event.dataTransfer) return;
    event.preventDefault();
    event.stopPropagation();
    document.dispatchEvent(new Event('drag-end'));
    take(await droppedPicture(event.dataTransfer));
  };
  const onDragOver = (event: DragEvent) => {
    if (!holdsPicture(event.dataTransfer)) return;
    event.preventDefault();
    isOver.value = true;
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is one more way; the file input inside serves the keyboard
    <div
      class={`picture-input${isOver.value ? ' is-over' : ''}${value ? ' is-filled' : ''}`}
      onDragOver={onDragOver}
      onDragLeave={() => (isOver.value = false)}
      onDrop={onDrop}
    >
      <input
        ref={input}
        id={id}
        class="unseen"
        type="file"
        accept={pictureTypes}
        onChange={event => {
          take(event.currentTarget.files?.[0]);
          event.currentTarget.value = '';
        }}
      />
      <label for={id} class="picture-target">
        {value ? (
          <>
            <img src={value.url} alt={`${label}: ${value.name}`} />
            <span class="picture-name">{value.name}</span>
          </>
        ) : (
          <>
            <Icon name="image" />
            <strong>{label}</strong>
            <span class="hint">{howTo(takesPaste)}</span>
          </>
        )}
      </label>
      {value && (
        <IconButton
          icon="close"
          name={`Remove ${label.toLowerCase()}`}
          class="quiet picture-clear"
          onClick={() => onChange(null)}
        />
      )}
      {!value && <RecentPictures onPick={onChange} />}
    </div>
  );
}

function howTo(takesPaste: boolean): string {
  if (matchMedia('(hover: none)').matches) return 'Tap to choose one';
  return takesPaste ? 'Drop a picture, paste it, or click to choose one' : 'Drop a picture or click to choose one';
}
