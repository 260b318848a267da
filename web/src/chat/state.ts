/** The conversations of the page and what is being written, as signals. Written by actions.ts beside this. */
import { computed, signal } from '@preact/signals';
import { guarded } from '../guarded-storage.ts';
import { randomKey } from '../random-key.ts';
import { findJob } from '../state.ts';
import { type AnswerPart, answerParts } from './answer-parts.ts';
import { type Answer, type Conversation, emptyConversation, pendingIn } from './conversation.ts';
import { emptyDraft, readDraft } from './draft.ts';
import { createConversationKeeper } from './kept-conversations.ts';

export const conversationKeeper = createConversationKeeper(() => localStorage);
export const windowStorage = guarded(() => sessionStorage);
export const openKey = 'duet-open-chat';

/** The latest first; the empty one that is open is not among them. */
export const conversations = signal<readonly Conversation[]>(conversationKeeper.conversations);
const fresh = signal(emptyConversation(randomKey()));
/** The id of the one that is shown in this window. */
export const openId = signal(openBefore()?.id ?? fresh.value.id);

function openBefore(): Conversation | undefined {
  const id = windowStorage.read(openKey);
  return conversations.value.find(found => found.id === id);
}

export const conversation = computed(() => conversations.value.find(({ id }) => id === openId.value) ?? fresh.value);

/** The one that is shown becomes an empty one. */
export function openFresh(): void {
  fresh.value = emptyConversation(randomKey());
  openId.value = fresh.value.id;
}

const kept = readDraft(windowStorage);
export const draft = signal(kept.draft);
/** Names of pictures that were in the message and could not be kept over a reload. */
export const lostPictures = kept.lost;
/** What was being written when an earlier message was taken up to be edited. */
export const putAside = signal(emptyDraft);
/** What is wrong with what was just put into the message. */
export const draftFault = signal('');

/** The id of the answer that is shown and not over. */
export const pendingAnswer = computed(() => pendingIn(conversation.value));

/** An answer's parts: of one that is running, as far as its job has come. */
export function partsOf(answer: Answer): readonly AnswerPart[] {
  const job = answer.status === 'running' ? findJob(answer.jobId ?? undefined) : undefined;
  return job ? answerParts(job) : answer.parts;
}
