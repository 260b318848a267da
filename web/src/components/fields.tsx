/** Form fields: words, numbers, sliders, choices, yes or no. Each has a visible label; ids come from Preact. */
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useId, useRef } from 'preact/hooks';
import type { OptionRange } from '../option-range.ts';
import type { OptionSchema } from '../wire.ts';
import { markedParts } from '../words-known.ts';
import { Icon } from './icons.tsx';

export interface WordsFieldProps {
  readonly label: string;
  readonly value: string;
  readonly placeholder?: string;
  readonly hint?: string;
  readonly rows?: number;
  /** Words that are underlined. */
  readonly marked?: readonly string[];
  /** Most characters. */
  readonly longest?: number | undefined;
  readonly onChange: (value: string) => void;
}

/** What the model reads is set in its own type, as is what it writes. */
export function WordsField({
  label,
  value,
  placeholder,
  hint,
  rows = 2,
  marked = [],
  longest,
  onChange,
}: WordsFieldProps) {
  const id = useId();
  const marks = useRef<HTMLDivElement>(null);
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="words-box">
        <textarea
          id={id}
          class="words-input"
          rows={rows}
          style={{ '--rows': String(rows) }}
          value={value}
          placeholder={placeholder}
          maxLength={longest}
          aria-describedby={hint ? `${id}-hint` : undefined}
          onInput={event => onChange(event.currentTarget.value)}
          onScroll={event => follow(marks.current, event.currentTarget)}
        />
        {marked.length > 0 && (
          <div ref={marks} class="words-marks" aria-hidden="true">
            {markedParts(value, marked).map((part, index) =>
              part.isMarked ? <u key={index}>{part.text}</u> : <span key={index}>{part.text}</span>,
            )}
          </div>
        )}
      </div>
      <Hint id={id} text={hint} />
    </div>
  );
}

/** Marks stay under their words in a long text. */
function follow(marks: HTMLElement | null, text: HTMLElement): void {
  if (marks) marks.scrollTop = text.scrollTop;
}

function Hint({ id, text }: { id: string; text: string | undefined }) {
  if (!text) return null;
  return (
    <p id={`${id}-hint`} class="hint">
      {text}
    </p>
  );
}

interface CountFieldProps {
  readonly label: string;
  readonly value: number;
  /** Its limits. */
  readonly schema: OptionSchema;
  readonly onChange: (value: number) => void;
}

/** A small whole number with buttons beside it. */
export function CountField({ label, value, schema, onChange }: CountFieldProps) {
  const id = useId();
  const { minimum: lowest = 1, maximum: highest = Number.POSITIVE_INFINITY } = schema;
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
  /** null: the server says no more than that the model has its own. */
  readonly value: number | null;
  readonly range: OptionRange;
  /** An empty text leaves it to the model. */
  readonly onChange: (value: number | '') => void;
}

/** A slider over the usual range, and a number beside it for exact and for unusual values. */
export function SliderField({ label, hint, value, range, onChange }: SliderFieldProps) {
  const { lowest, highest, most, step, grain } = range;
  const id = useId();
  const typed = useSignal<string | null>(null);
  const nearest = (number: number) => {
    const exact = grain === null ? number : lowest + Math.round((number - lowest) / grain) * grain;
    return Math.min(most, Math.max(lowest, exact));
  };
  const type = ({ value: text, valueAsNumber: number }: HTMLInputElement) => {
    typed.value = text;
    if (nearest(number) === number) onChange(number);
  };
  const leave = ({ valueAsNumber: number }: HTMLInputElement) => {
    typed.value = null;
    onChange(Number.isNaN(number) ? '' : nearest(number));
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
          step={grain ?? 'any'}
          placeholder="auto"
          value={typed.value ?? value ?? ''}
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
        class={value === null ? 'is-unset' : undefined}
        value={value ?? lowest}
        aria-valuetext={value === null ? 'the model’s own' : undefined}
        aria-describedby={`${id}-hint`}
        onInput={event => onChange(event.currentTarget.valueAsNumber)}
      />
      <Hint id={id} text={hint} />
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
  readonly hint?: string;
  readonly options: readonly { readonly value: T; readonly name: string }[];
}

export function SelectField<T extends string>({ label, hint, value, options, onChange }: SelectFieldProps<T>) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={value}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onChange={event => onChange(event.currentTarget.value as T)}
      >
        {options.map(option => (
          <option key={option.value} value={option.value}>
            {option.name}
          </option>
        ))}
      </select>
      <Hint id={id} text={hint} />
    </div>
  );
}

interface CheckFieldProps {
  readonly label: string;
  readonly hint?: string;
  readonly value: boolean;
  readonly onChange: (value: boolean) => void;
}

/** Yes or no. */
export function CheckField({ label, hint, value, onChange }: CheckFieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label class="check">
        <input
          type="checkbox"
          checked={value}
          aria-describedby={hint ? `${id}-hint` : undefined}
          onChange={event => onChange(event.currentTarget.checked)}
        />
        <span>{label}</span>
      </label>
      <Hint id={id} text={hint} />
    </div>
  );
}
