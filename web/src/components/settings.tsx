/** What few need: seed, steps, guidance and all other options that the call has. Folded away at first. */
import { labelOf, settingsOf, type TabId } from '../calls.ts';
import { type Form, type FormCall, optionsSet, optionValue, withOption } from '../form.ts';
import { rangeOf } from '../option-range.ts';
import { capabilities, forms, updateForm } from '../state.ts';
import type { Capabilities, OptionSchema, OptionValue } from '../wire.ts';
import { CheckField, SeedField, SelectField, SliderField, WordsField } from './fields.tsx';
import { Icon } from './icons.tsx';

export function Settings({ tab, formCall }: { tab: TabId; formCall: FormCall }) {
  const form = forms.value[tab];
  const known = capabilities.value;
  if (!known) return null;
  return (
    <details class="settings">
      <summary>
        <Icon name="settings" /> Settings
        <span class="settings-summary">{summary(form, formCall, known)}</span>
      </summary>
      <div class="settings-body">
        <SeedField value={form.seed} onChange={seed => updateForm(tab, { seed })} />
        {settingsOf(formCall.call, form.kind, known).map(([name, schema]) => (
          <OptionField
            key={`${formCall.mode}-${name}`}
            name={name}
            schema={schema}
            standard={formCall.call.defaults[name]}
            value={optionValue(form, formCall, name)}
            onChange={value => updateForm(tab, withOption(forms.value[tab], formCall, name, value))}
          />
        ))}
      </div>
    </details>
  );
}

interface OptionFieldProps {
  readonly name: string;
  readonly schema: OptionSchema;
  /** What it is if nothing is sent. */
  readonly standard: OptionValue | undefined;
  readonly value: OptionValue | undefined;
  readonly onChange: (value: OptionValue) => void;
}

/** A field for any option that the server has: its range, choices and texts are the server's. */
function OptionField({ name, schema, standard, value, onChange }: OptionFieldProps) {
  const label = labelOf(name, schema);
  const { type, enum: choices, maxLength, maxItems, description = '', 'x-titles': titles = {} } = schema;
  const texts = { label, hint: description };
  if (choices) {
    const options = choices.map(choice => ({ value: choice, name: titles[choice] ?? choice }));
    return <SelectField {...texts} value={String(value ?? choices[0] ?? '')} options={options} onChange={onChange} />;
  }
  if (type === 'boolean') return <CheckField {...texts} value={value === true} onChange={onChange} />;
  if (type === 'string') {
    return <WordsField {...texts} value={String(value ?? '')} rows={1} longest={maxLength} onChange={onChange} />;
  }
  if (type === 'array') {
    const hint = `${description}${description && '. '}One a line, at most ${maxItems}.`;
    return <WordsField label={label} hint={hint} value={String(value ?? '')} rows={1} onChange={onChange} />;
  }
  const range = rangeOf(schema, standard);
  return (
    <SliderField {...texts} value={value === undefined ? null : Number(value)} range={range} onChange={onChange} />
  );
}

/** What differs from the defaults, in sight while folded. */
function summary(form: Form, formCall: FormCall, known: Capabilities): string {
  const shown = settingsOf(formCall.call, form.kind, known).map(([name]) => name);
  const set = optionsSet(form, formCall, known);
  return [
    ...(form.seed === null ? [] : [`seed ${form.seed}`]),
    ...shown.flatMap(name => {
      const value = set[name];
      return value === undefined ? [] : [settingLine(labelOf(name, known.options[name]).toLowerCase(), value)];
    }),
  ].join(' · ');
}

/** A long text is told by its label alone. */
function settingLine(label: string, value: OptionValue): string {
  if (typeof value === 'boolean') return value ? label : `no ${label}`;
  return typeof value === 'string' && value.includes(' ') ? label : `${label} ${value}`;
}
