/** The screenshots of the README, with the embedded models as they are: npx tsx test/page/shoot.ts [folder] */
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { loadModel } from '../../server/load-model.ts';
import { answered, say } from './drive.ts';
import { openSite, phone } from './open-page.ts';

const folder = process.argv[2] ?? 'docs/images';
const waiting = { timeout: 300_000 };
const loaded = await loadModel('emoji-chat', {});
const site = await openSite(loaded);

/** How long something took is that of the machine, which may have been busy. */
function hideDurations(page: Page) {
  return page.addStyleTag({ content: '.message-tools .hint, .status-row p { visibility: hidden }' });
}

async function run(page: Page, verb: string): Promise<void> {
  await page.getByRole('button', { name: new RegExp(`^${verb}\\b`) }).click();
  await page.locator('.status.is-queued, .status.is-running').waitFor();
  await page.locator('.status.is-succeeded').waitFor(waiting);
}

const chat = await site.open({ viewport: { width: 1000, height: 1840 } }, '/chat');
await chat.locator('.settings summary').click();
await chat.getByLabel('Seed', { exact: true }).fill('5');
await chat.locator('.settings summary').click();
await hideDurations(chat);
for (const words of ['Can you show me two foxes?', 'Make it blue.', 'Tell me a story about a panda.']) {
  await say(chat, words);
  await answered(chat);
}
await chat.mouse.move(0, 0);
await chat.screenshot({ path: join(folder, 'chat.png') });

const desktop = await site.open({ viewport: { width: 1280, height: 1000 } }, '/draw');
await desktop.getByRole('tab', { name: 'Imagine' }).click();
await run(desktop, 'Imagine');
await desktop.getByRole('tab', { name: 'Draw' }).click();
for (const caption of ['two red hearts', 'three stars on a blue background']) {
  await desktop.getByRole('button', { name: caption }).click();
  await run(desktop, 'Draw');
}
await hideDurations(desktop);
await desktop.mouse.move(0, 0);
await desktop.getByRole('tab', { name: 'Draw' }).focus();
await desktop.screenshot({ path: join(folder, 'page-draw.png') });

const small = await site.open({ ...phone, colorScheme: 'dark' }, '/imagine');
await run(small, 'Imagine');
await hideDurations(small);
await small.getByRole('region', { name: 'Result' }).evaluate(element => element.scrollIntoView());
await small.screenshot({ path: join(folder, 'page-phone.png') });
await site.close();
await loaded.model?.release();
