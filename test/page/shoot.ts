/** The two screenshots of the README, with the embedded model as it is: npx tsx test/page/shoot.ts [folder] */
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { openSite, phone } from './open-page.ts';

const folder = process.argv[2] ?? 'docs/images';
const waiting = { timeout: 300_000 };
const site = await openSite();

async function run(page: Page, verb: string): Promise<void> {
  await page.getByRole('button', { name: new RegExp(`^${verb}\\b`) }).click();
  await page.locator('.status.is-queued, .status.is-running').waitFor();
  await page.locator('.status.is-succeeded').waitFor(waiting);
}

const desktop = await site.open({ viewport: { width: 1280, height: 1000 } });
await desktop.getByRole('tab', { name: 'Imagine' }).click();
await run(desktop, 'Imagine');
await desktop.getByRole('tab', { name: 'Draw' }).click();
for (const caption of ['two red hearts', 'three stars on a blue background']) {
  await desktop.getByRole('button', { name: caption }).click();
  await run(desktop, 'Draw');
}
await desktop.mouse.move(0, 0);
await desktop.getByRole('tab', { name: 'Draw' }).focus();
await desktop.screenshot({ path: join(folder, 'page-draw.png') });

const small = await site.open({ ...phone, colorScheme: 'dark' }, '/imagine');
await run(small, 'Imagine');
await small.getByRole('region', { name: 'Result' }).evaluate(element => element.scrollIntoView());
await small.screenshot({ path: join(folder, 'page-phone.png') });
await site.close();
