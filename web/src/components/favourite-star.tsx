/** Marks a picture as a favourite, which the server then keeps when others go. */
import { markAll } from '../gallery-actions.ts';
import { type GalleryEntry, isFavourite } from '../gallery-entries.ts';
import { IconButton } from './icon-button.tsx';

export function FavouriteStar({ entry, class: look = 'quiet' }: { entry: GalleryEntry; class?: string }) {
  const isOn = isFavourite(entry);
  return (
    <IconButton
      icon="star"
      name="Favourite"
      title={isOn ? 'Favourite: kept when others go' : 'Make it a favourite'}
      class={`${look} star`}
      aria-pressed={isOn}
      onClick={() => void markAll([entry], !isOn)}
    />
  );
}
