/** What few need: steps, guidance, seed, solver, and what should not be in the picture. Folded away at first. */

import { defaultGuidance, fieldsOf, type TabId, takesNegativePrompt } from '../form.ts';
import { capabilities, forms, updateForm } from '../state.ts';
import type { SolverName } from '../wire.ts';
import { SeedField, SelectField, SliderField, WordsField } from './fields.tsx';
import { Icon } from './icons.tsx';

const solverNames = {
  'dpm-multistep': 'DPM-Solver++, multistep',
  'dpm-singlestep': 'DPM-Solver++, single step',
  ddim: 'DDIM',
} as const satisfies Record<SolverName, string>;

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
          value={form.steps ?? known.defaults.steps}
          lowest={1}
          highest={Math.min(usualSteps, known.limits.steps)}
          most={known.limits.steps}
          step={1}
          onChange={steps => change({ steps: steps === known.defaults.steps ? null : steps })}
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
      </div>
    </details>
  );
}

/** What differs from the defaults, in sight while folded. */
function summary(tab: TabId): string {
  const { seed, steps, guidance, solver, negativePrompt } = forms.value[tab];
  return [
    seed !== null && `seed ${seed}`,
    steps !== null && `${steps} steps`,
    guidance !== null && `guidance ${guidance}`,
    solver !== 'dpm-multistep' && solver,
    negativePrompt.trim() !== '' && 'keep out',
  ]
    .filter(Boolean)
    .join(' · ');
}
