/** Keeps conversations in step with their jobs, with the browser's storage and with other windows. Called once, by main.tsx. */
import { effect, untracked } from '@preact/signals';
import { isOver } from '../job-state.ts';
import { notify } from '../notices.ts';
import * as state from '../state.ts';
import { lose, settle } from './actions.ts';
import { type Draft, writeDraft } from './draft.ts';
import { byTime } from './kept-conversations.ts';
import * as chat from './state.ts';

export function followConversations(): void {
  effect(followAnswer);
  keepOverReloads();
  addEventListener('storage', ({ key }) => {
    if (key !== null) takeFromOtherWindow(key);
  });
}

/** The job of the answer that is shown is the one whose events the Chat tab reads. */
function followAnswer(): void {
  const id = chat.pendingAnswer.value;
  const answer = id === undefined ? undefined : chat.conversation.value.messages[id];
  const jobId = answer?.role === 'assistant' ? answer.jobId : null;
  const { chat: shown, ...others } = untracked(() => state.shownJobs.value);
  if (id === undefined || jobId === null) {
    if (shown) state.shownJobs.value = others;
    return;
  }
  const job = state.findJob(jobId);
  if (job && isOver(job) && job.isWhole) untracked(() => settle(id, job));
  else if (!job && state.goneJobs.value.has(jobId)) untracked(() => lose(id));
  else if (shown?.id !== jobId) state.shownJobs.value = { ...others, chat: { id: jobId, pictures: {} } };
}

function keepOverReloads(): void {
  effect(() => {
    const all = chat.conversations.value;
    for (const title of chat.conversationKeeper.keep(all)) {
      notify(`The conversation “${title}” had to go: the browser keeps no more.`);
    }
  });
  effect(() => {
    chat.windowStorage.write(chat.openKey, chat.openId.value);
  });
  let before: Draft | undefined;
  effect(() => {
    const written = chat.draft.value.edits === null ? chat.draft.value : chat.putAside.value;
    writeDraft(chat.windowStorage, written, before);
    before = written;
  });
}

/** What another window has changed in a conversation, unless an answer to it is under way here. */
function takeFromOtherWindow(key: string): void {
  const change = chat.conversationKeeper.changed(key);
  if (!change) return;
  const { id, conversation } = change;
  const isBusy = chat.conversation.value.id === id && chat.pendingAnswer.value !== undefined;
  const others = chat.conversations.value.filter(known => known.id !== id);
  if (isBusy) return;
  if (!conversation) {
    chat.conversations.value = others;
    if (chat.openId.value === id) chat.openFresh();
  } else chat.conversations.value = byTime([conversation, ...others]);
}
