/**
 * Deletes after a confirmation. A second press in the same place, by pointer or key, keeps what it is about, and the second click of
 * a double one deletes nothing, wherever the buttons stand.
 */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { IconButton } from './icon-button.tsx';
import { Icon } from './icons.tsx';

interface RemovalProps {
  readonly name: string;
  /** What the second button says. */
  readonly really: string;
  /** More than that can be deleted, too. */
  readonly also?: { readonly name: string; readonly onRemove: () => void } | undefined;
  /** Only its icon is seen. */
  readonly isSmall?: boolean;
  readonly onRemove: () => void;
}

export function Removal({ name, really: certain, also, isSmall = false, onRemove }: RemovalProps) {
  const asks = useSignal(false);
  const keep = useRef<HTMLButtonElement>(null);
  const really = useRef<HTMLButtonElement>(null);
  const further = useRef<HTMLButtonElement>(null);
  const asked = useRef<HTMLButtonElement>(null);
  const hasAsked = useRef(false);
  useEffect(() => {
    if (asks.value) {
      hasAsked.current = true;
      keep.current?.focus();
      (further.current ?? really.current)?.scrollIntoView({ block: 'nearest' });
    } else if (hasAsked.current) asked.current?.focus();
  }, [asks.value]);
  const once = (act: () => void) => (event: MouseEvent) => event.detail <= 1 && act();
  if (!asks.value) {
    const ask = () => (asks.value = true);
    return isSmall ? (
      <IconButton key="ask" buttonRef={asked} icon="trash" name={name} onClick={ask} />
    ) : (
      <button key="ask" ref={asked} type="button" class="quiet" onClick={ask}>
        <Icon name="trash" /> {name}
      </button>
    );
  }
  return (
    <>
      <button key="keep" ref={keep} type="button" class="quiet" onClick={() => (asks.value = false)}>
        <Icon name="close" /> Keep
      </button>
      <button key="delete" ref={really} type="button" class="danger" onClick={once(onRemove)}>
        {certain}
      </button>
      {also && (
        <button key="also" ref={further} type="button" class="danger" onClick={once(also.onRemove)}>
          {also.name}
        </button>
      )}
    </>
  );
}
