/** What stands below messages: copying, and the way between versions of one. */
import { useSignal } from '@preact/signals';
import { showVersion } from '../../chat/actions.ts';
import { versionsOf } from '../../chat/conversation.ts';
import { conversation, pendingAnswer } from '../../chat/state.ts';
import { copyWords } from '../../copy-text.ts';
import { notify } from '../../notices.ts';
import { IconButton } from '../icon-button.tsx';

export function CopyWords({ text }: { text: string }) {
  const isCopied = useSignal(false);
  const copy = async () => {
    isCopied.value = await copyWords(text);
    if (!isCopied.value) notify('The browser lets this page copy nothing: select the words and copy them.');
  };
  const name = isCopied.value ? 'Copied' : 'Copy the words';
  return (
    <IconButton
      icon={isCopied.value ? 'check' : 'copy'}
      name={name}
      onClick={() => void copy()}
      onBlur={() => (isCopied.value = false)}
    />
  );
}

export function Versions({ id }: { id: number }) {
  const versions = versionsOf(conversation.value, id);
  const place = versions.indexOf(id);
  const isBusy = pendingAnswer.value !== undefined;
  if (versions.length < 2) return null;
  const step = (by: number, name: string, icon: 'left' | 'right') => {
    const other = versions[place + by];
    return (
      <IconButton
        icon={icon}
        name={name}
        disabled={isBusy || other === undefined}
        onClick={() => other !== undefined && showVersion(other)}
      />
    );
  };
  return (
    <span class="versions">
      {step(-1, 'Version before', 'left')}
      <span>
        <span class="unseen">Version </span>
        {place + 1} / {versions.length}
      </span>
      {step(1, 'Version after', 'right')}
    </span>
  );
}
