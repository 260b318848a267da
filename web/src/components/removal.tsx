/** Deletes after a confirmation. A second press in the same place, by pointer or key, keeps what it is about. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from './icons.tsx';

interface RemovalProps {
  readonly name: string;
  /** What the second button says. */
  readonly really: string;
  /** Only its icon is seen. */
  readonly isSmall?: boolean;
  readonly onRemove: () => void;
}

export function Removal({ name, really: certain, isSmall = false, onRemove }: RemovalProps) {
  const asks = useSignal(false);
  const keep = useRef<HTMLButtonElement>(null);
  const really = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!asks.value) return;
    keep.current?.focus();
    really.current?.scrollIntoView({ block: 'nearest' });
  }, [asks.value]);
  if (!asks.value) {
    const look = isSmall ? ({ class: 'quiet round', 'aria-label': name, title: name } as const) : { class: 'quiet' };
    return (
      <button key="ask" type="button" {...look} onClick={() => (asks.value = true)}>
        <Icon name="trash" /> {!isSmall && name}
      </button>
    );
  }
  return (
    <>
      <button key="keep" ref={keep} type="button" class="quiet" onClick={() => (asks.value = false)}>
        <Icon name="close" /> Keep
      </button>
      <button key="delete" ref={really} type="button" class="danger" onClick={onRemove}>
        {certain}
      </button>
    </>
  );
}
