/** Examples that fill the form at a click. */
import type { Form } from '../form.ts';

export interface Example {
  readonly name: string;
  readonly fields: Partial<Form>;
}

interface ExamplesProps {
  readonly examples: readonly Example[];
  readonly onPick: (fields: Partial<Form>) => void;
}

export function Examples({ examples, onPick }: ExamplesProps) {
  if (examples.length === 0) return null;
  return (
    <ul class="examples" aria-label="Examples">
      {examples.map(({ name, fields }) => (
        <li key={name}>
          <button type="button" class="example" onClick={() => onPick(fields)}>
            {name}
          </button>
        </li>
      ))}
    </ul>
  );
}
