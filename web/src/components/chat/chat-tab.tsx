/** The Chat tab: the conversation that is open, what is being written, and beside them the other conversations and the settings. */
import { useEffect } from 'preact/hooks';
import { leaveEdit, stopAnswer } from '../../chat/actions.ts';
import { titleOf } from '../../chat/conversation.ts';
import { exportConversation } from '../../chat/export-file.ts';
import { takeFiles } from '../../chat/given-pictures.ts';
import { conversation, draft, pendingAnswer } from '../../chat/state.ts';
import { chatTitle } from '../../chat/texts.ts';
import { droppedFiles, holdsPicture } from '../../dragging.ts';
import { showCode } from '../../navigation.ts';
import { capabilities, formCallOf, isCovered } from '../../state.ts';
import { Icon } from '../icons.tsx';
import { Settings } from '../settings.tsx';
import { Composer, focusMessage } from './composer.tsx';
import { ConversationList, NewConversation } from './conversation-list.tsx';
import { SpokenAnswer } from './spoken-answer.tsx';
import { Thread } from './thread.tsx';

export function ChatTab() {
  const known = capabilities.value;
  const formCall = formCallOf('chat');
  useKeys();
  useDropping();
  if (!known || !formCall) return null;
  const isBlank = conversation.value.messages.length === 0;
  return (
    <div class="chat-workspace">
      <section class="chat" aria-label="Conversation" aria-busy={pendingAnswer.value !== undefined}>
        <div class="chat-head">
          <h1>{isBlank ? chatTitle(known) : titleOf(conversation.value)}</h1>
          {!isBlank && (
            <div class="chat-tools">
              <button type="button" class="quiet" onClick={() => void exportConversation(conversation.value)}>
                <Icon name="download" /> Export
              </button>
              <NewConversation />
            </div>
          )}
        </div>
        <Thread />
        <Composer />
        <SpokenAnswer />
      </section>
      <div class="chat-side">
        <ConversationList />
        <Settings tab="chat" formCall={formCall} />
        <button type="button" class="quiet is-start" onClick={showCode}>
          <Icon name="code" /> Use via API
        </button>
      </div>
    </div>
  );
}

/** Escape leaves an edit, else stops an answer; what is pasted anywhere goes into the message. */
function useKeys(): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || isCovered.value || event.defaultPrevented || event.isComposing) return;
      if (draft.value.edits !== null) leaveEdit();
      else if (pendingAnswer.value !== undefined) stopAnswer();
      else return;
      event.preventDefault();
      focusMessage();
    };
    const onPaste = (event: ClipboardEvent) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length === 0 || isCovered.value) return;
      event.preventDefault();
      void takeFiles(files);
    };
    addEventListener('keydown', onKey);
    addEventListener('paste', onPaste);
    return () => {
      removeEventListener('keydown', onKey);
      removeEventListener('paste', onPaste);
    };
  }, []);
}

/** On this tab a picture that is dropped anywhere goes into the message, before the page looks for settings in it. */
function useDropping(): void {
  useEffect(() => {
    const onDrop = async (event: DragEvent) => {
      if (!event.dataTransfer || !holdsPicture(event.dataTransfer) || isCovered.value) return;
      event.preventDefault();
      event.stopPropagation();
      document.dispatchEvent(new Event('drag-end'));
      await takeFiles(await droppedFiles(event.dataTransfer));
      focusMessage();
    };
    document.addEventListener('drop', onDrop, { capture: true });
    return () => document.removeEventListener('drop', onDrop, { capture: true });
  }, []);
}
