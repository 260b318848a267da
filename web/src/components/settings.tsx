/** What few need: steps, guidance, seed, solver, and what should not be in the picture. Folded away at first. */

import {
  defaultGuidance,
  defaultOf,
  defaultSteps,
  fieldsOf,
  otherOptions,
  type TabId,
  takesNegativePrompt,
  withExtra,
} from '../form.ts';
import { capabilities, forms, updateForm } from '../state.ts';
import type { OptionSchema, OptionValue } from '../wire.ts';
import { SeedField, SelectField, SliderField, WordsField } from './fields.tsx';
import { Icon } from './icons.tsx';

/** What people know the solvers by; others go by their own names. */
const solverNames: Readonly<Record<string, string>> = {
  'dpm-multistep': 'DPM-Solver++, multistep',
  'dpm-multistep-sde': 'DPM-Solver++, multistep, with noise (SDE)',
  'dpm-singlestep': 'DPM-Solver++, single step',
  unipc: 'UniPC',
  euler: 'Euler',
  'euler-ancestral': 'Euler, ancestral',
  heun: 'Heun',
  ddim: 'DDIM',
  ddpm: 'DDPM',
  pndm: 'PNDM',
  lcm: 'LCM, for models distilled for it',
};

/** Sliders end at what makes a difference; what the server takes beyond can be typed. */
const usualSteps = 60;

export function Settings({ tab }: { tab: TabId }) {
  const form = forms.value[tab];
  const known = capabilities.value;
  if (!known) return null;
  const change = (fields: Parameters<typeof updateForm>[1]) => updateForm(tab, fields);
  return (
    <details class="settings">
      <summary>
        <Icon name="settings" /> Settings
        <span class="settings-summary">{summary(tab)}</span>
      </summary>
      <div class="settings-body">
        <SeedField value={form.seed} onChange={seed => change({ seed })} />
        <SliderField
          label="Steps"
          hint="More steps take longer and follow the caption more finely."
          value={form.steps ?? defaultSteps(form.mode, known)}
          lowest={1}
          highest={Math.min(usualSteps, known.limits.steps)}
          most={known.limits.steps}
          step={1}
          onChange={steps => change({ steps: steps === defaultSteps(form.mode, known) ? null : steps })}
        />
        {fieldsOf(form.mode).guided && (
          <SliderField
            label="Guidance"
            hint="How strictly to follow what is given. 1 is off."
            value={form.guidance ?? defaultGuidance(form.mode, known)}
            lowest={1}
            highest={10}
            step={0.5}
            onChange={guidance =>
              change({ guidance: guidance === defaultGuidance(form.mode, known) ? null : guidance })
            }
          />
        )}
        <SelectField
          label="Solver"
          value={form.solver}
          options={known.solvers.map(value => ({ value, name: solverNames[value] ?? value }))}
          onChange={solver => change({ solver })}
        />
        {takesNegativePrompt(form) && (
          <WordsField
            label="Keep out"
            value={form.negativePrompt}
            placeholder="a red background"
            rows={1}
            onChange={negativePrompt => change({ negativePrompt })}
          />
        )}
        {otherOptions(form, known).map(([name, schema]) => (
          <OptionField
            key={name}
            name={name}
            schema={schema}
            value={form.extras[form.mode]?.[name] ?? defaultOf(form.mode, name, known)}
            onChange={value => change({ extras: withExtra(form, name, value, known) })}
          />
        ))}
      </div>
    </details>
  );
}

interface OptionFieldProps {
  readonly name: string;
  readonly schema: OptionSchema;
  readonly value: OptionValue | undefined;
  readonly onChange: (value: OptionValue) => void;
}

/** A field for any option that the server has: its range, choices and text are the server's. */
function OptionField({ name, schema, value, onChange }: OptionFieldProps) {
  const label = `${name[0]?.toUpperCase()}${name.slice(1).replaceAll('_', ' ')}`;
  const { type, enum: choices, minimum = 0, maximum = 100, description = '' } = schema;
  if (choices) {
    const options = choices.map(choice => ({ value: choice, name: choice }));
    return (
      <SelectField label={label} value={String(value ?? choices[0] ?? '')} options={options} onChange={onChange} />
    );
  }
  if (type === 'string') {
    return <WordsField label={label} value={String(value ?? '')} hint={description} rows={1} onChange={onChange} />;
  }
  return (
    <SliderField
      label={label}
      hint={description}
      value={Number(value ?? minimum)}
      lowest={minimum}
      highest={maximum}
      step={type === 'integer' ? 1 : (maximum - minimum) / 20}
      onChange={onChange}
    />
  );
}

/** What differs from the defaults, in sight while folded. */
function summary(tab: TabId): string {
  const { mode, seed, steps, guidance, solver, negativePrompt, extras } = forms.value[tab];
  return [
    seed !== null && `seed ${seed}`,
    steps !== null && `${steps} steps`,
    guidance !== null && `guidance ${guidance}`,
    solver !== 'dpm-multistep' && solver,
    negativePrompt.trim() !== '' && 'keep out',
    ...Object.entries(extras[mode] ?? {}).map(([name, value]) => `${name.replaceAll('_', ' ')} ${value}`),
  ]
    .filter(Boolean)
    .join(' · ');
}
