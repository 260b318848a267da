/** The current form as a program to copy. */
import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { conversation, draft } from '../chat/state.ts';
import { copyText } from '../copy-text.ts';
import { toBody } from '../form.ts';
import { closeOverlay, showsCode } from '../navigation.ts';
import { commandKey } from '../platform.ts';
import { snippets } from '../snippets/index.ts';
import { capabilities, formCallOf, forms, shownTab } from '../state.ts';
import type { Capabilities } from '../wire.ts';
import { Dialog } from './dialog.tsx';
import { Choice } from './fields.tsx';
import { Icon } from './icons.tsx';

const title = 'Run this in your own program';

export function CodeDialog() {
  return (
    <Dialog open={showsCode.value} onClose={closeOverlay} label={title} class="code-dialog">
      {showsCode.value && <Code />}
    </Dialog>
  );
}

/** What is being written, was said last, or may be said. */
function wordsToSay({ dialogue }: Capabilities): string {
  const { messages } = conversation.value;
  const last = messages.findLast(message => message.role === 'user');
  const said = last?.role === 'user' ? last.text : undefined;
  return draft.value.text.trim() || said || dialogue?.examples[0] || 'Hello';
}

function Code() {
  const language = useSignal<'curl' | 'Python' | 'TypeScript'>('curl');
  const outcome = useSignal<'copied' | 'selected' | null>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const known = capabilities.value;
  const formCall = formCallOf(shownTab.value);
  if (!known || !formCall) return null;
  const place = { origin: location.origin, model: known.model, ...(known.dialogue && { said: wordsToSay(known) }) };
  const all = snippets(toBody(forms.value[shownTab.value], formCall, known), place);
  const code = all.find(snippet => snippet.language === language.value)?.code ?? '';
  const copy = async () => {
    if (field.current) outcome.value = await copyText(field.current);
  };
  const choose = (value: typeof language.value) => {
    language.value = value;
    outcome.value = null;
  };
  return (
    <>
      <h2>{title}</h2>
      <p class="hint">
        Exactly this form, as it is filled in now. Python and TypeScript use the openai package as it is.
      </p>
      <div class="code-head">
        <Choice
          label="Language"
          value={language.value}
          options={all.map(snippet => ({ value: snippet.language, name: snippet.language }))}
          onChange={choose}
        />
        <button type="button" class="quiet" onClick={() => void copy()}>
          {outcome.value === 'copied' && <Icon name="check" />}
          {outcome.value === 'copied' ? 'Copied' : 'Copy'}
        </button>
      </div>
      <p class="hint" role="status" hidden={outcome.value !== 'selected'}>
        {outcome.value === 'selected' &&
          `The browser lets this page copy nothing. The code is selected: copy it with ${commandKey} C.`}
      </p>
      <textarea
        ref={field}
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
