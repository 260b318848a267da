/** The current form as a program to copy. */
import { useSignal } from '@preact/signals';
import { type TabId, toBody } from '../form.ts';
import { snippets } from '../snippets/index.ts';
import { capabilities, forms } from '../state.ts';
import { Dialog } from './dialog.tsx';
import { Choice } from './fields.tsx';
import { Icon } from './icons.tsx';

export function CodeDialog({ tab, open, onClose }: { tab: TabId; open: boolean; onClose: () => void }) {
  return (
    <Dialog open={open} onClose={onClose} label="Use via API" class="code-dialog">
      {open && <Code tab={tab} />}
    </Dialog>
  );
}

function Code({ tab }: { tab: TabId }) {
  const language = useSignal<'curl' | 'Python' | 'TypeScript'>('curl');
  const copied = useSignal(false);
  const place = { origin: location.origin, model: capabilities.value?.model ?? 'emoji' };
  const all = snippets(toBody(forms.value[tab]), place);
  const code = all.find(snippet => snippet.language === language.value)?.code ?? '';
  const copy = async () => {
    await navigator.clipboard.writeText(code);
    copied.value = true;
    setTimeout(() => (copied.value = false), 1500);
  };
  return (
    <>
      <h2>Use via API</h2>
      <p class="hint">
        Exactly this form, as it is filled in now. Python and TypeScript use the openai package as it is.
      </p>
      <div class="code-head">
        <Choice
          label="Language"
          value={language.value}
          options={all.map(snippet => ({ value: snippet.language, name: snippet.language }))}
          onChange={value => (language.value = value)}
        />
        <button type="button" class="quiet" onClick={() => void copy()}>
          {copied.value ? <Icon name="check" /> : null}
          {copied.value ? 'Copied' : 'Copy'}
        </button>
      </div>
      <textarea
        class="code"
        readOnly
        rows={16}
        spellcheck={false}
        wrap="off"
        aria-label={`${language.value} code`}
        value={code}
      />
    </>
  );
}
