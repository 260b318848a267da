/** A tab: the form of one of its calls on the left, what comes of it on the right. */
import { countOf, modesOf, type TabId } from '../calls.ts';
import { missingInputs, optionValue, withOption } from '../form.ts';
import { capabilities, formCallOf, forms, updateForm } from '../state.ts';
import { emptyStage, headingOf, verbOf } from '../tab-texts.ts';
import { countLabel } from '../words.ts';
import { CallInputs } from './call-inputs.tsx';
import { Choice, CountField } from './fields.tsx';
import { JobForm } from './job-form.tsx';
import { Stage } from './stage.tsx';

export function CallTab({ tab }: { tab: TabId }) {
  const known = capabilities.value;
  const formCall = formCallOf(tab);
  if (!known || !formCall) return null;
  const form = forms.value[tab];
  const { mode, call } = formCall;
  const modes = modesOf(tab, known);
  const { title, text } = headingOf(call, form.kind);
  const count = countOf(call);
  return (
    <div class="workspace">
      <JobForm tab={tab} formCall={formCall} verb={verbOf(call, form.kind)}>
        <h1>{title}</h1>
        {modes.length > 1 && (
          <Choice
            label="What to make"
            value={mode}
            options={modes.map(value => ({ value, name: known.calls[value]?.title ?? value }))}
            onChange={value => updateForm(tab, { mode: value })}
          />
        )}
        {text && <p class="hint">{text}</p>}
        <CallInputs tab={tab} formCall={formCall} />
        <CountField
          key={count}
          label={countLabel(call, known)}
          value={Number(optionValue(form, formCall, count) ?? 1)}
          schema={known.options[count] ?? {}}
          onChange={value => updateForm(tab, withOption(form, formCall, count, value))}
        />
      </JobForm>
      <Stage tab={tab} empty={emptyStage(tab, call, form.kind, missingInputs(form, formCall).length === 0)} />
    </div>
  );
}
