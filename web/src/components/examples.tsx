/** Captions that fill the form at a click. */
import { capabilities } from '../state.ts';

interface ExamplesProps {
  readonly onPick: (caption: string) => void;
  /** Which of them to show. */
  readonly from?: number;
  readonly count?: number;
}

export function Examples({ onPick, from = 0, count = 6 }: ExamplesProps) {
  const captions = capabilities.value?.examples.slice(from, from + count) ?? [];
  if (captions.length === 0) return null;
  return (
    <ul class="examples" aria-label="Examples">
      {captions.map(caption => (
        <li key={caption}>
          <button type="button" class="example" onClick={() => onPick(caption)}>
            {caption}
          </button>
        </li>
      ))}
    </ul>
  );
}
