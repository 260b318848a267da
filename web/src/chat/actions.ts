/** What a person can do in a conversation: ask, stop, have answered anew, edit. Writes the signals of state.ts beside this. */
import { ApiError, type JobRequest } from '../api.ts';
import { noticeLoss, report, toFault } from '../faults.ts';
import { type InputPicture, toBody } from '../form.ts';
import { mergeHistory } from '../history.ts';
import { refresh, tellWindows, wholeJob } from '../job-feed.ts';
import { isOver, type JobState } from '../job-state.ts';
import { openTab } from '../navigation.ts';
import { notify } from '../notices.ts';
import { keepPicture } from '../pictures.ts';
import { randomKey } from '../random-key.ts';
import * as state from '../state.ts';
import type { WireJob } from '../wire.ts';
import { answerParts } from './answer-parts.ts';
import {
  type Answer,
  askedAgain,
  type Conversation,
  isPending,
  pathOf,
  type Question,
  withAnswer,
  withChange,
  withChosen,
  withQuestion,
} from './conversation.ts';
import { emptyDraft, isBlank } from './draft.ts';
import { conversationOf } from './job-conversation.ts';
import * as chat from './state.ts';
import { latestThatFit, type ToldMessage, type ToldPart, toldMessages } from './told-messages.ts';

/** The seed of an answer: of the settings, a new one, or this one. */
type SeedWish = 'as set' | 'new' | number;

/** Keys of answers that were stopped before the server had accepted them. */
const stopped = new Set<string>();

/** Changes a conversation, whether it is shown or not; nothing if it was removed meanwhile. */
function update(id: string, change: (before: Conversation) => Conversation): void {
  const all = chat.conversations.value;
  const isKept = all.some(conversation => conversation.id === id);
  const before = isKept ? all.find(conversation => conversation.id === id) : chat.conversation.value;
  if (before?.id !== id) return;
  const next = change(before);
  chat.conversations.value = isKept
    ? all.map(conversation => (conversation.id === id ? next : conversation))
    : [next, ...all];
}

/** Sends what is being written, in the place of the message that is being edited. */
export function sendDraft(): void {
  const { text, pictures, edits } = chat.draft.value;
  if (isBlank(chat.draft.value) || !canAsk()) return;
  chat.draft.value = edits === null ? emptyDraft : chat.putAside.value;
  chat.draftFault.value = '';
  ask({ text: text.trim(), pictures }, edits);
}

export function sendExample(text: string): void {
  if (canAsk()) ask({ text, pictures: [] }, null);
}

function canAsk(): boolean {
  return chat.pendingAnswer.value === undefined && !state.serverFault.value && state.formCallOf('chat') !== undefined;
}

function ask(said: Pick<Question, 'text' | 'pictures'>, edits: number | null): void {
  const { id, messages } = chat.conversation.value;
  const before = edits === null ? undefined : messages[edits];
  const parent = before ? before.parent : (pathOf(chat.conversation.value).at(-1) ?? null);
  const answer = messages.length + 1;
  update(id, conversation => ({
    ...withQuestion(conversation, { ...said, parent }, randomKey()),
    changed: Date.now(),
  }));
  chat.openId.value = id;
  void request(id, answer, 'as set');
}

/** Whether nobody knows if the server has got the request. */
function isUnsure({ fault }: Answer): boolean {
  return fault?.code === 'unreachable' || fault?.code === 'interrupted';
}

/** One more answer in the place of one; of an answer that came to nothing, the same once more. */
export function answerAnew(id: number, seed: SeedWish = 'new'): void {
  const { id: conversationId, messages } = chat.conversation.value;
  const answer = messages[id];
  if (answer?.role !== 'assistant' || chat.pendingAnswer.value !== undefined || state.serverFault.value) return;
  if (answer.parts.length === 0 && (answer.status === 'failed' || answer.status === 'lost')) {
    const key = isUnsure(answer) ? answer.key : randomKey();
    update(conversationId, conversation => askedAgain(conversation, id, key));
    void request(conversationId, id, 'as set');
  } else {
    update(conversationId, conversation => withAnswer(conversation, answer.parent, randomKey()));
    void request(conversationId, messages.length, seed);
  }
}

async function request(conversationId: string, id: number, seed: SeedWish): Promise<void> {
  const change = (values: Partial<Answer>) =>
    update(conversationId, conversation => withChange<Answer>(conversation, id, values));
  const known = state.capabilities.value;
  const formCall = state.formCallOf('chat');
  const conversation = chat.conversations.value.find(found => found.id === conversationId);
  const answer = conversation?.messages[id];
  if (!known || !formCall || !conversation || answer?.role !== 'assistant') return;
  try {
    const told = toldMessages(conversation, answer.parent, known.dialogue?.sees ?? false);
    const latest = latestThatFit(await withPictures(latestThatFit(told, known.limits), answer.parent), known.limits);
    if (stopped.delete(answer.key)) return change({ status: 'stopped' });
    const { seed: fixed, ...body } = toBody(state.forms.value.chat, formCall, known);
    const seeds =
      seed === 'new' || (seed === 'as set' && fixed === undefined) ? {} : { seed: seed === 'as set' ? fixed : seed };
    const messages = latest.map(({ role, content }) => ({ role, content }));
    const view = await state.api.submit({ ...body, ...seeds, messages } as JobRequest, answer.key);
    state.jobs.value = mergeHistory(state.jobs.value, [view]);
    const from = latest.length < told.length ? (latest[0]?.id ?? null) : null;
    update(conversationId, before => withAddresses(before, answer.parent, view));
    change({ status: 'running', jobId: view.id, from });
    tellWindows();
    if (stopped.delete(answer.key)) await cancelJob(view.id);
  } catch (error) {
    stopped.delete(answer.key);
    noticeLoss(error);
    const { code, message } = toFault(error);
    change({ status: 'failed', fault: { code, message } });
  }
}

/** The messages with the pictures themselves in the place of their addresses, without those that are not kept any more. */
async function withPictures(told: readonly ToldMessage[], question: number): Promise<readonly ToldMessage[]> {
  const gone = { count: 0 };
  const read = async (part: ToldPart): Promise<readonly ToldPart[]> => {
    if (part.type === 'text') return [part];
    const image = await dataOf(part.image);
    if (image !== undefined) return [{ type: 'image', image }];
    gone.count++;
    return [];
  };
  const whole = await Promise.all(
    told.map(async message => ({ ...message, content: (await Promise.all(message.content.map(read))).flat() })),
  );
  const asked = whole.find(({ id }) => id === question);
  if (gone.count > 0 && asked?.content.length === 0) {
    throw new ApiError(-1, 'picture_gone', 'The picture is not kept any more. Edit the message and add it again.');
  }
  if (gone.count > 0) notify('A picture of this conversation is not kept any more: the model is not told of it.');
  return whole.filter(({ content }) => content.length > 0);
}

/** A picture as a data URL; undefined if the server does not keep it any more. */
async function dataOf(url: string): Promise<string | undefined> {
  if (url.startsWith('data:')) return url;
  if (url === '') return undefined;
  const file = await state.api.fileOrGone(url);
  return file && (await keepPicture(file, '')).url;
}

/** The server has the question's pictures now: what is kept of them are their addresses. */
function withAddresses(conversation: Conversation, question: number, { request: kept }: WireJob): Conversation {
  const message = conversation.messages[question];
  const addresses = (kept.messages ?? [])
    .at(-1)
    ?.content.flatMap(part => (part.type === 'image' ? [part.image_url] : []));
  if (message?.role !== 'user' || message.pictures.length !== addresses?.length) return conversation;
  const pictures = message.pictures.map(({ name }, place): InputPicture => ({ name, url: addresses[place]! }));
  return withChange<Question>(conversation, question, { pictures });
}

/** What was written and drawn so far stays. */
export function stopAnswer(): void {
  const id = chat.pendingAnswer.value;
  const answer = id === undefined ? undefined : chat.conversation.value.messages[id];
  if (answer?.role !== 'assistant') return;
  if (answer.jobId === null) stopped.add(answer.key);
  else void cancelJob(answer.jobId);
}

async function cancelJob(id: string): Promise<void> {
  await state.api.cancel(id).catch((error: unknown) => {
    if (!noticeLoss(error)) notify(toFault(error).message, 'error');
  });
  await refresh();
}

/** An answer whose job is over is kept as what came of it. */
export function settle(id: number, job: JobState): void {
  const ends = { succeeded: 'done', cancelled: 'stopped', failed: 'failed' } as const;
  const { status, answer, error, took } = job;
  if (status === 'queued' || status === 'running') return;
  const isCut = answer?.finish_reason === 'length';
  const change: Partial<Answer> = { status: ends[status], parts: answerParts(job), fault: error, isCut, took };
  update(chat.conversation.value.id, conversation => withChange<Answer>(conversation, id, change));
}

/** The server does not have the job of an answer any more. */
export function lose(id: number): void {
  const fault = { code: 'lost', message: 'The server does not have this answer any more.' };
  update(chat.conversation.value.id, conversation => withChange<Answer>(conversation, id, { status: 'lost', fault }));
}

/** Takes up a message to be edited; what is being written waits. */
export function edit(id: number): void {
  const message = chat.conversation.value.messages[id];
  if (message?.role !== 'user' || chat.pendingAnswer.value !== undefined) return;
  if (chat.draft.value.edits === null) chat.putAside.value = chat.draft.value;
  chat.draft.value = { text: message.text, pictures: message.pictures, edits: id };
  chat.draftFault.value = '';
}

export function leaveEdit(): void {
  chat.draftFault.value = '';
  chat.draft.value = chat.putAside.value;
}

/** Shows another version of a message, with what followed it. */
export function showVersion(id: number): void {
  if (chat.draft.value.edits !== null) leaveEdit();
  update(chat.conversation.value.id, conversation => withChosen(conversation, id));
}

export function newConversation(): void {
  if (chat.draft.value.edits !== null) leaveEdit();
  chat.openFresh();
}

export function openConversation(id: string): void {
  if (chat.draft.value.edits !== null) leaveEdit();
  chat.openId.value = id;
}

/** What was made in it stays in the gallery; an answer that is under way goes on there. */
export function removeConversation(id: string): void {
  chat.conversations.value = chat.conversations.value.filter(conversation => conversation.id !== id);
  if (chat.openId.value === id) newConversation();
}

/**
 * Opens the conversation that a job is an answer of, as it is in this browser or else as the server has it. Gives the answer's
 * id; undefined, and said, if the server does not have the job any more or cannot be reached.
 */
export async function showAnswer(known: JobState): Promise<number | undefined> {
  const isOfJob = (message: Conversation['messages'][number]): message is Answer =>
    message.role === 'assistant' && message.jobId === known.id;
  const find = () => chat.conversations.value.find(({ messages }) => messages.some(isOfJob));
  const isSettled = find()?.messages.some(message => isOfJob(message) && !isPending(message));
  const job = isSettled ? known : await wholeJob(known).catch(report);
  if (!job) return undefined;
  const found = find();
  const shown = found ?? conversationOf(job, randomKey());
  const answer = shown.messages.findLastIndex(isOfJob);
  if (!found) {
    chat.conversations.value = [shown, ...chat.conversations.value];
    if (job.request.messages?.some(({ role }) => role === 'system')) {
      notify('What was said as the system is not part of the conversation here.');
    }
  }
  openConversation(shown.id);
  if (found) showVersion(answer);
  if (isOver(job) && isPendingAt(answer)) settle(answer, job);
  openTab('chat');
  return answer;
}

function isPendingAt(id: number): boolean {
  const answer = chat.conversation.value.messages[id];
  return answer?.role === 'assistant' && isPending(answer);
}

/** Puts pictures into the message. */
export function addPictures(pictures: readonly InputPicture[]): void {
  const { draft } = chat;
  draft.value = { ...draft.value, pictures: [...draft.value.pictures, ...pictures] };
}

export function removePicture(picture: InputPicture): void {
  const { draft } = chat;
  draft.value = { ...draft.value, pictures: draft.value.pictures.filter(other => other !== picture) };
}
