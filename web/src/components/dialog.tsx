/**
 * The browser's own modal dialog, which brings focus handling and Escape along; a click beside it closes it too. It lies
 * over everything else on the page, so messages are shown inside of it while it is open.
 */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { IconButton } from './icon-button.tsx';
import { Notices } from './notices.tsx';
import { ServerFault } from './server-fault.tsx';

interface DialogProps {
  readonly open: boolean;
  readonly label: string;
  readonly onClose: () => void;
  readonly class?: string;
  readonly onKeyDown?: (event: KeyboardEvent) => void;
  readonly children: ComponentChildren;
}

export function Dialog({ open, label, onClose, class: className, onKeyDown, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open && !element.current?.open) element.current?.showModal();
    if (!open && element.current?.open) element.current.close();
  }, [open]);
  return (
    <dialog
      ref={element}
      class={className}
      aria-label={label}
      onKeyDown={onKeyDown}
      onClose={onClose}
      onClick={event => event.target === element.current && element.current?.close()}
    >
      {open && (
        <div class="dialog-body">
          <IconButton icon="close" name="Close" class="quiet dialog-close" onClick={() => element.current?.close()} />
          <ServerFault />
          {children}
        </div>
      )}
      {open && <Notices />}
    </dialog>
  );
}
