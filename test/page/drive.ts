/** What a person does on the page and waits to see, in words for the tests. Nothing here depends on how fast it happens. */
import type { Locator, Page } from 'playwright-core';

export const tabNames = ['Draw', 'Describe', 'Imagine', 'Vary & Mix', 'Inpaint'] as const;
/** All tabs that there are: the embedded model has those of `tabNames`. */
export type TabName = (typeof tabNames)[number] | 'Chat';

export const result = (page: Page): Locator => page.getByRole('region', { name: 'Result' });
export const gallery = (page: Page): Locator => page.getByRole('region', { name: 'Gallery' });
/** The pictures of the gallery, which lead to the viewer. */
export const tiles = (page: Page, options: Parameters<Locator['getByRole']>[1] = {}): Locator =>
  gallery(page).locator('.run-entries').getByRole('link', options);
export const viewer = (page: Page): Locator => page.getByRole('dialog');
export const caption = (page: Page): Locator => page.getByLabel('Caption', { exact: true });

/** Opens a tab and waits until it is the one that is shown. */
export async function openTab(page: Page, name: TabName): Promise<void> {
  await page.getByRole('tab', { name, exact: true }).click();
  await shownTab(page, name);
}

export function shownTab(page: Page, name: TabName): Promise<void> {
  return page.getByRole('tabpanel', { name, exact: true }).waitFor();
}

/** Presses the button that runs the form; what it does is the beginning of its name. */
export function run(page: Page, verb: string): Promise<void> {
  return runButton(page, verb).click();
}

export function runButton(page: Page, verb: string): Locator {
  return page.locator('.run-row').getByRole('button', { name: new RegExp(`^${verb}\\b`) });
}

/** Waits until the job on the stage is in this state. */
export function status(page: Page, name: 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled'): Promise<void> {
  return page.locator(`.status.is-${name}`).waitFor();
}

export async function setCount(page: Page, label: string, count: number): Promise<void> {
  const field = page.getByLabel(label, { exact: true });
  await field.fill(String(count));
  await field.blur();
}

/** Few steps, for tests that look at the page and not at the pictures. */
export async function setSteps(page: Page, steps: number): Promise<void> {
  await page.locator('.settings summary').click();
  await page.getByLabel('Steps', { exact: true }).fill(String(steps));
  await page.locator('.settings summary').click();
}

export async function draw(page: Page, words: string, pictures = 1): Promise<void> {
  await caption(page).fill(words);
  await setCount(page, 'Pictures', pictures);
  await run(page, 'Draw');
}

export async function cancelled(page: Page): Promise<void> {
  await status(page, 'running');
  await page.getByRole('button', { name: 'Cancel', exact: true }).click();
  await status(page, 'cancelled');
}

/** Gives a picture to the field of this label, through its file input. */
export async function givePicture(page: Page, name: string, png: Buffer): Promise<void> {
  await page
    .locator('.picture-input input[type=file]')
    .first()
    .setInputFiles({ name, mimeType: 'image/png', buffer: png });
}

/** The prompts of the jobs that the page asks for, in the order it sends them. */
export function sentPrompts(page: Page): string[] {
  const prompts: string[] = [];
  page.on('request', request => {
    if (request.method() !== 'POST' || !request.url().endsWith('/v1/jobs')) return;
    const body = request.postDataJSON() as { prompt?: string };
    prompts.push(body.prompt ?? '');
  });
  return prompts;
}

/** What is in a message: words, and names of pictures, in their order. */
export const answers = (page: Page): Locator => page.locator('.message.is-assistant');
export const questions = (page: Page): Locator => page.locator('.message.is-user');
export const message = (page: Page): Locator => page.getByLabel('Message', { exact: true });

/** Writes a message and sends it by Enter. */
export async function say(page: Page, words: string): Promise<void> {
  await message(page).fill(words);
  await message(page).press('Enter');
}

/** Waits until the answer is over, whichever way. */
export function answered(page: Page): Promise<void> {
  return page.getByRole('button', { name: 'Send', exact: true }).waitFor();
}
