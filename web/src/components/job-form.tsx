/** The left half of a tab: fields, settings, and the row that runs them. Ctrl or Command with Enter runs from anywhere in it. */
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { run } from '../actions.ts';
import type { TabId } from '../calls.ts';
import { type FormCall, missingInputs } from '../form.ts';
import { isOver } from '../job-state.ts';
import { showCode } from '../navigation.ts';
import { commandKey } from '../platform.ts';
import { capabilities, findJob, forms, sending, serverFault, shownJobs } from '../state.ts';
import { missingLine } from '../words.ts';
import { Icon } from './icons.tsx';
import { Settings } from './settings.tsx';

interface JobFormProps {
  readonly tab: TabId;
  readonly formCall: FormCall;
  /** What the button does, as its name. */
  readonly verb: string;
  readonly children: ComponentChildren;
}

export function JobForm({ tab, formCall, verb, children }: JobFormProps) {
  const tried = useSignal(false);
  const missing = missingInputs(forms.value[tab], formCall);
  const ready = capabilities.value !== null && serverFault.value === null;
  const shown = findJob(shownJobs.value[tab]?.id);
  const start = (event: Event) => {
    event.preventDefault();
    tried.value = missing.length > 0;
    if (missing.length === 0) void run(tab);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) start(event);
  };
  return (
    <form class="job-form" onSubmit={start} onKeyDown={onKeyDown} noValidate>
      {children}
      <Settings tab={tab} formCall={formCall} />
      <div class="run-row">
        <button type="submit" class="primary" disabled={!ready} aria-describedby={`missing-${tab}`}>
          {sending.value.has(tab) ? 'Sending' : shown && !isOver(shown) ? `${verb} another` : verb}
          <kbd>{commandKey} ↵</kbd>
        </button>
        <button type="button" class="quiet is-end" onClick={showCode}>
          <Icon name="code" /> Use via API
        </button>
        <p id={`missing-${tab}`} class="field-fault" role="status">
          {tried.value ? missingLine(missing) : ''}
        </p>
      </div>
    </form>
  );
}
