/** Form fields: words, numbers, sliders, choices. Each has a visible label; ids come from Preact. */
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import { capabilities } from '../state.ts';
import { Icon } from './icons.tsx';

interface WordsFieldProps {
  readonly label: string;
  readonly value: string;
  readonly placeholder?: string;
  readonly hint?: string;
  readonly rows?: number;
  readonly onChange: (value: string) => void;
}

/** What the model reads is set in its own type, as is what it writes. */
export function WordsField({ label, value, placeholder, hint, rows = 2, onChange }: WordsFieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <textarea
        id={id}
        class="words-input"
        rows={rows}
        style={{ '--rows': String(rows) }}
        value={value}
        placeholder={placeholder}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onInput={event => onChange(event.currentTarget.value)}
      />
      {hint && (
        <p id={`${id}-hint`} class="hint">
          {hint}
        </p>
      )}
    </div>
  );
}

interface CountFieldProps {
  readonly label: string;
  readonly value: number;
  /** @default 1 */
  readonly lowest?: number;
  /** Which of the server's limits holds. @default 'n' */
  readonly limit?: 'n' | 'frames' | 'rounds';
  readonly onChange: (value: number) => void;
}

/** A small whole number with buttons beside it. */
export function CountField({ label, value, lowest = 1, limit = 'n', onChange }: CountFieldProps) {
  const id = useId();
  const highest = capabilities.value?.limits[limit] ?? Number.POSITIVE_INFINITY;
  /** What is being typed: stays until the field is left, whatever else changes on the page. */
  const typed = useSignal<string | null>(null);
  const type = ({ value: text, valueAsNumber: number }: HTMLInputElement) => {
    typed.value = text;
    if (Number.isInteger(number) && number >= lowest && number <= highest) onChange(number);
  };
  const set = (next: number) => {
    typed.value = null;
    onChange(Math.min(highest, Math.max(lowest, Math.round(next) || lowest)));
  };
  return (
    <div class="field is-row">
      <label for={id}>{label}</label>
      <div class="count">
        <button type="button" aria-label={`Fewer: ${label}`} disabled={value <= lowest} onClick={() => set(value - 1)}>
          −
        </button>
        <input
          id={id}
          type="number"
          inputMode="numeric"
          min={lowest}
          max={Number.isFinite(highest) ? highest : undefined}
          value={typed.value ?? value}
          onInput={event => type(event.currentTarget)}
          onChange={event => set(event.currentTarget.valueAsNumber)}
        />
        <button type="button" aria-label={`More: ${label}`} disabled={value >= highest} onClick={() => set(value + 1)}>
          +
        </button>
      </div>
    </div>
  );
}

interface SliderFieldProps {
  readonly label: string;
  readonly hint: string;
  readonly value: number;
  readonly lowest: number;
  /** Where the slider ends: the usual range. */
  readonly highest: number;
  /** What may be typed beyond the slider. @default highest */
  readonly most?: number;
  readonly step: number;
  readonly onChange: (value: number) => void;
}

/** A slider over the usual range, and a number beside it for exact and for unusual values. */
export function SliderField({ label, hint, value, lowest, highest, most = highest, step, onChange }: SliderFieldProps) {
  const id = useId();
  const typed = useSignal<string | null>(null);
  const type = ({ value: text, valueAsNumber: number }: HTMLInputElement) => {
    typed.value = text;
    if (number >= lowest && number <= most && Number.isInteger((number - lowest) / step)) onChange(number);
  };
  const leave = ({ valueAsNumber: number }: HTMLInputElement) => {
    typed.value = null;
    if (Number.isNaN(number)) return;
    const nearest = lowest + Math.round((number - lowest) / step) * step;
    onChange(Math.min(most, Math.max(lowest, nearest)));
  };
  return (
    <div class="field">
      <div class="field-head">
        <label for={id}>{label}</label>
        <input
          type="number"
          class="exact"
          aria-label={`${label}, as a number`}
          min={lowest}
          max={most}
          step={step}
          value={typed.value ?? value}
          onInput={event => type(event.currentTarget)}
          onChange={event => leave(event.currentTarget)}
        />
      </div>
      <input
        id={id}
        type="range"
        min={lowest}
        max={highest}
        step={step}
        value={value}
        aria-describedby={`${id}-hint`}
        onInput={event => onChange(event.currentTarget.valueAsNumber)}
      />
      <p id={`${id}-hint`} class="hint">
        {hint}
      </p>
    </div>
  );
}

const seedLimit = 2 ** 32;

/** Empty: a new seed for every run. */
export function SeedField({ value, onChange }: { value: number | null; onChange: (value: number | null) => void }) {
  const id = useId();
  const read = (text: string) => {
    const digits = text.replace(/\D/g, '');
    onChange(digits === '' ? null : Math.min(seedLimit - 1, Number(digits)));
  };
  return (
    <div class="field">
      <label for={id}>Seed</label>
      <div class="joined">
        <input
          id={id}
          inputMode="numeric"
          autocomplete="off"
          placeholder="new for every run"
          value={value ?? ''}
          onInput={event => read(event.currentTarget.value)}
        />
        {value === null ? (
          <button
            type="button"
            class="quiet"
            aria-label="Fix a seed"
            title="Fix a seed"
            onClick={() => onChange(Math.floor(Math.random() * 1e6))}
          >
            <Icon name="dice" />
          </button>
        ) : (
          <button
            type="button"
            class="quiet"
            aria-label="New seed for every run"
            title="New seed for every run"
            onClick={() => onChange(null)}
          >
            <Icon name="close" />
          </button>
        )}
      </div>
    </div>
  );
}

interface ChoiceProps<T extends string> {
  readonly label: string;
  readonly value: T;
  readonly options: readonly { readonly value: T; readonly name: ComponentChildren }[];
  readonly onChange: (value: T) => void;
}

/** One of a few, all in sight. */
export function Choice<T extends string>({ label, value, options, onChange }: ChoiceProps<T>) {
  const name = useId();
  return (
    <fieldset class="choice">
      <legend class="unseen">{label}</legend>
      {options.map(option => (
        <label key={option.value} class={option.value === value ? 'is-chosen' : undefined}>
          <input type="radio" name={name} checked={option.value === value} onChange={() => onChange(option.value)} />
          <span>{option.name}</span>
        </label>
      ))}
    </fieldset>
  );
}

interface SelectFieldProps<T extends string> extends Omit<ChoiceProps<T>, 'options'> {
  readonly options: readonly { readonly value: T; readonly name: string }[];
}

export function SelectField<T extends string>({ label, value, options, onChange }: SelectFieldProps<T>) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={event => onChange(event.currentTarget.value as T)}>
        {options.map(option => (
          <option key={option.value} value={option.value}>
            {option.name}
          </option>
        ))}
      </select>
    </div>
  );
}
