/** What a person can do: run, cancel, again, restore. Writes the signals of state.ts. */
import { effect, untracked } from '@preact/signals';
import { ApiError } from './api.ts';
import { inputsOf, modesOf, type TabId, tabOf } from './calls.ts';
import { addPictures, answerAnew, showAnswer } from './chat/actions.ts';
import { report } from './faults.ts';
import { type Form, missingInputs, toBody, toForm } from './form.ts';
import { mergeHistory } from './history.ts';
import { refresh, tellWindows } from './job-feed.ts';
import { isOver, type JobState } from './job-state.ts';
import { openTab, viewed } from './navigation.ts';
import { notify } from './notices.ts';
import { keepPicture, readPicture, squarePicture } from './pictures.ts';
import { createPress } from './presses.ts';
import { randomKey } from './random-key.ts';
import { shownFor } from './standing.ts';
import * as state from './state.ts';

const press = createPress();

/**
 * Idempotency keys of forms whose request got no response: if the same form is sent again under its key, a job that did
 * arrive is not made twice.
 */
const unanswered = new WeakMap<Form, string>();

/** Sends the tab's form, unless an input is missing, or the press repeats the last one by accident. */
export function run(tab: TabId): Promise<void> {
  const form = state.forms.value[tab];
  const formCall = state.formCallOf(tab);
  if (!formCall || missingInputs(form, formCall).length > 0 || state.serverFault.value) return Promise.resolve();
  return press(tab, form, () => send(tab, form));
}

async function send(tab: TabId, form: Form): Promise<void> {
  const known = state.capabilities.value;
  const formCall = state.formCallOf(tab);
  if (!known || !formCall) return;
  const key = unanswered.get(form) ?? randomKey();
  unanswered.set(form, key);
  state.sending.value = new Set([...state.sending.value, tab]);
  try {
    const body = toBody(form, formCall, known);
    const view = await state.api.submit(body, key);
    unanswered.delete(form);
    state.jobs.value = mergeHistory(state.jobs.value, [view]);
    state.shownJobs.value = { ...state.shownJobs.value, [tab]: shownFor(view.id, form, body) };
    tellWindows();
  } catch (error) {
    if (error instanceof ApiError && error.status > 0) unanswered.delete(form);
    report(error);
  } finally {
    state.sending.value = new Set([...state.sending.value].filter(id => id !== tab));
  }
}

/** Opens the tab of a job with the job on its stage, or with the conversation that it answers. */
export function showJob(job: JobState): void {
  const { id, mode } = job;
  const call = state.knownCall(mode);
  const tab = call && tabOf(call);
  if (!tab) return;
  if (tab === 'chat') {
    void showAnswer(job);
    return;
  }
  const shown = state.shownJobs.value[tab];
  if (shown?.id !== id) state.shownJobs.value = { ...state.shownJobs.value, [tab]: { id, pictures: {} } };
  openTab(tab);
}

/** A link to a job that is not over leads to its stage, unless it is to a picture that is finished before the job is. */
export function followLinksToJobs(): void {
  effect(() => {
    const job = state.viewedJob.value;
    const isFinished = viewed.value && job?.early[viewed.value.index]?.url !== undefined;
    if (job && !isOver(job) && !isFinished) untracked(() => showJob(job));
  });
}

export async function cancel(id: string): Promise<void> {
  await state.api.cancel(id).catch(report);
  await refresh();
}

/** Puts a job's settings back into its tab, with the seed of one of its samples. */
export function restore(job: JobState, seed: number | null): Promise<void> {
  return press('restore', `${job.id} ${seed}`, async () => {
    const found = await formOf(job, seed);
    if (found) showForm(found.tab, found.form);
  });
}

function isAnswer({ mode }: JobState): boolean {
  return state.knownCall(mode)?.makes === 'answer';
}

/** Runs a job's request once more, with its own or with a new seed. */
export function again(job: JobState, seed: number | null): Promise<void> {
  return press('again', `${job.id} ${seed}`, async () => {
    if (isAnswer(job)) {
      const answer = await showAnswer(job);
      return answer === undefined ? undefined : answerAnew(answer, seed ?? 'new');
    }
    const found = await formOf(job, seed);
    if (!found) return;
    const { tab, form } = found;
    showForm(tab, form);
    const formCall = state.formCallOf(tab);
    if (formCall && missingInputs(form, formCall).length > 0)
      notify('The settings are back. The picture is no longer kept: add it again.');
    else await run(tab);
  });
}

/** Opens a tab with a picture of the gallery in its form or message. */
export function usePicture(tab: 'chat' | 'describe' | 'vary' | 'inpaint', url: string, name: string): Promise<void> {
  return press('use', `${tab} ${url}`, async () => {
    try {
      const picture = await readPicture(await state.api.file(url), name);
      const known = state.capabilities.value;
      if (!known) return;
      if (tab === 'chat') {
        addPictures([picture]);
        return openTab(tab);
      }
      const takesIt = (mode: string) => inputsOf(known.calls[mode]!, 'pictures').needed.includes('image');
      const mode = modesOf(tab, known).find(takesIt) ?? '';
      const given =
        tab === 'inpaint'
          ? { image: await squarePicture(picture, known.image_size ?? 0), mask: null }
          : { image: picture };
      state.updateForm(tab, { mode, kind: 'pictures', ...given });
      openTab(tab);
    } catch (error) {
      report(error);
    }
  });
}

export function showForm(tab: TabId, form: Form): void {
  state.updateForm(tab, form);
  openTab(tab);
}

/**
 * The form that made a job, its pictures null where they are not kept any more; undefined, and said, if the server is
 * unreachable or its model does not have the mode.
 */
async function formOf(job: JobState, seed: number | null): Promise<ReturnType<typeof toForm>> {
  const { request } = job;
  const known = state.capabilities.value;
  if (!known || !Object.hasOwn(known.calls, job.mode)) {
    notify(`The model of this server does not have the mode ${job.mode}.`);
    return undefined;
  }
  const fetchPicture = async (name: string, url: string | undefined) => {
    const file = url === undefined ? undefined : await state.api.fileOrGone(url);
    return file ? keepPicture(file, name) : null;
  };
  try {
    const [image, image2, mask] = await Promise.all([
      fetchPicture('picture', request.image_url),
      fetchPicture('second picture', request.image2_url),
      fetchPicture('mask', request.mask_url),
    ]);
    return toForm({ mode: job.mode, request: { ...request, seed } }, known, { image, image2, mask });
  } catch (error) {
    report(error);
    return undefined;
  }
}
