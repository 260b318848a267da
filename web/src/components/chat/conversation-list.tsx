/** The conversations that this browser keeps. */
import { newConversation, openConversation, removeConversation } from '../../chat/actions.ts';
import { titleOf } from '../../chat/conversation.ts';
import { conversation, conversations } from '../../chat/state.ts';
import { Icon } from '../icons.tsx';
import { Removal } from '../removal.tsx';
import { focusMessage } from './composer.tsx';

export function NewConversation() {
  return (
    <button
      type="button"
      class="quiet"
      onClick={() => {
        newConversation();
        focusMessage();
      }}
    >
      <Icon name="plus" /> New
      <span class="unseen"> conversation</span>
    </button>
  );
}

export function ConversationList() {
  const all = conversations.value;
  const open = conversation.value.id;
  return (
    <section class="conversations" aria-labelledby="conversations-title">
      <h2 id="conversations-title">Conversations</h2>
      {all.length === 0 ? (
        <p class="hint">They are kept in this browser, also over a reload.</p>
      ) : (
        <ul>
          {all.map(kept => (
            <li key={kept.id} class={kept.id === open ? 'is-open' : undefined}>
              <button
                type="button"
                class="quiet conversation"
                aria-current={kept.id === open}
                onClick={() => openConversation(kept.id)}
              >
                {titleOf(kept)}
              </button>
              <Removal
                isSmall
                name={`Delete “${titleOf(kept)}”`}
                really="Delete"
                onRemove={() => removeConversation(kept.id)}
              />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
