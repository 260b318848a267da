/** A round button that shows only an icon: its name is its label, and what is shown when the pointer rests on it. */
import type { ComponentProps, Ref } from 'preact';
import { Icon, type IconName } from './icons.tsx';

interface IconButtonProps extends Omit<ComponentProps<'button'>, 'children' | 'icon' | 'name' | 'aria-label'> {
  readonly icon: IconName;
  readonly name: string;
  /** Where more is to be said than the name. */
  readonly title?: string;
  readonly buttonRef?: Ref<HTMLButtonElement>;
  /** Beside `round`. */
  readonly class?: string;
}

export function IconButton({
  icon,
  name,
  title = name,
  class: look = 'quiet',
  buttonRef,
  type = 'button',
  ...rest
}: IconButtonProps) {
  return (
    <button {...rest} ref={buttonRef ?? null} type={type} class={`${look} round`} aria-label={name} title={title}>
      <Icon name={icon} />
    </button>
  );
}
