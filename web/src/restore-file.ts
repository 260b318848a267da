/** A picture dropped on the page: its settings if it carries them, else something to look at or to vary. */
import { showForm } from './actions.ts';
import { ApiError } from './api.ts';
import { labelOf, tabNeedingPicture } from './calls.ts';
import { missingInputs, toForm } from './form.ts';
import { openTab } from './navigation.ts';
import { notify, notifyError } from './notices.ts';
import { readPicture } from './pictures.ts';
import * as state from './state.ts';
import type { Capabilities, PictureRequest } from './wire.ts';
import { tabNames } from './words.ts';

export async function restoreFromFile(file: File): Promise<void> {
  const known = state.capabilities.value;
  if (!known) return;
  try {
    const { request, left_out: leftOut } = await requestOf(file);
    const found = request && toForm({ mode: request.mode, request }, known);
    if (!found) return await takeAsInput(file, known);
    showForm(found.tab, found.form);
    const formCall = state.formCallOf(found.tab);
    const missing = formCall ? missingInputs(found.form, formCall) : [];
    const names = leftOut.map(name => labelOf(name, known.options[name]).toLowerCase());
    notify(
      [
        `Settings of ${file.name} restored.`,
        names.length > 0 && `This model does not take its ${names.join(', ')}.`,
        missing.length > 0 && 'Add the picture that it was made from.',
      ]
        .filter(Boolean)
        .join(' '),
    );
  } catch (error) {
    notifyError(error);
  }
}

/** Nothing of a file that the server cannot read. */
async function requestOf(file: File): Promise<PictureRequest> {
  try {
    return await state.api.requestOf(file);
  } catch (error) {
    if (error instanceof ApiError && error.status >= 400 && error.status < 500) return { request: null, left_out: [] };
    throw error;
  }
}

async function takeAsInput(file: File, known: Capabilities): Promise<void> {
  const tab = tabNeedingPicture(known);
  if (!tab) return notify(`${file.name} carries no settings.`);
  state.updateForm(tab, { image: await readPicture(file) });
  openTab(tab);
  notify(`${file.name} carries no settings: it is taken as the picture of “${tabNames[tab]}”.`);
}
