/** A picture dropped on the page: its settings if it carries them, else something to describe. */
import { showForm } from './actions.ts';
import { fieldsOf, toForm } from './form.ts';
import { openTab } from './navigation.ts';
import { notify, notifyError } from './notices.ts';
import { readPicture, readRequest } from './pictures.ts';
import { capabilities, updateForm } from './state.ts';

export async function restoreFromFile(file: File): Promise<void> {
  try {
    const request = await readRequest(file, capabilities.value?.solvers ?? []);
    if (request) {
      showForm(toForm(request));
      const given = fieldsOf(request.mode).needs.some(name => name !== 'prompt');
      notify(`Settings of ${file.name} restored.${given ? ' Add the picture that it was made from.' : ''}`);
      return;
    }
    updateForm('describe', { image: await readPicture(file) });
    openTab('describe');
    notify(`${file.name} carries no settings: here it can be described.`);
  } catch (error) {
    notifyError(error);
  }
}
