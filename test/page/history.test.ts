/**
 * Back, Forward, links and reloads on the page, in headless Chromium with a model that answers at once. Without Chromium
 * all are skipped.
 */
import { randomBytes } from 'node:crypto';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fakeModel } from '../../server/testing/fake-model.ts';
import {
  caption,
  draw,
  givePicture,
  openTab,
  result,
  run,
  setCount,
  shownTab,
  status,
  tiles,
  viewer,
} from './drive.ts';
import { chromiumPath, openSite, phone, type Site, testTimeout } from './open-page.ts';

let site: Site;

const closed = (page: Page) => viewer(page).waitFor({ state: 'hidden' });
const addressOf = (page: Page) => page.url().slice(site.origin.length);
const onlyPicture = (page: Page, name: string) => tiles(page, { name: new RegExp(`^${name},`) });

/** A picture that no codec makes smaller. */
function noise(side: number): Promise<Buffer> {
  return sharp(randomBytes(side * side * 3), { raw: { width: side, height: side, channels: 3 } })
    .png()
    .toBuffer();
}

describe.skipIf(!chromiumPath)(
  'Back, links and reloads (needs Chromium: apt-get install chromium)',
  { timeout: testTimeout },
  () => {
    beforeAll(async () => {
      site = await openSite(fakeModel());
    }, testTimeout);
    afterEach(() => site.closePages());
    afterAll(() => site.close(), testTimeout);

    it('Back and Forward lead through the tabs', async () => {
      const page = await site.open();
      expect(addressOf(page)).toBe('/draw');
      for (const tab of ['Describe', 'Vary & Mix', 'Inpaint'] as const) await openTab(page, tab);
      expect(addressOf(page)).toBe('/inpaint');
      await page.goBack();
      await shownTab(page, 'Vary & Mix');
      expect(await page.title()).toBe('Vary & Mix – Duet');
      await page.goBack();
      await shownTab(page, 'Describe');
      await page.goForward();
      await shownTab(page, 'Vary & Mix');
      await page.goBack();
      await page.goBack();
      await shownTab(page, 'Draw');
    });

    it.each([
      ['/draw', 'Draw'],
      ['/describe', 'Describe'],
      ['/imagine', 'Imagine'],
      ['/vary', 'Vary & Mix'],
      ['/inpaint', 'Inpaint'],
      ['/#vary', 'Vary & Mix'],
    ] as const)('%s is an address of its own, also after a reload', async (path, tab) => {
      const page = await site.open({}, path);
      await shownTab(page, tab);
      await page.reload();
      await shownTab(page, tab);
      expect(addressOf(page)).toBe(path.replace('/#', '/'));
    });

    it('Back closes the viewer, wherever it led meanwhile, and the tab stays', async () => {
      const page = await site.open();
      await draw(page, 'a red hat', 3);
      await status(page, 'succeeded');
      await result(page).getByRole('link').first().click();
      await viewer(page).waitFor();
      await viewer(page).getByRole('button', { name: 'Older' }).click();
      await viewer(page).getByRole('button', { name: 'Older' }).click();
      await page.goBack();
      await closed(page);
      await shownTab(page, 'Draw');
      expect(await caption(page).inputValue()).toBe('a red hat');
      await page.goForward();
      await viewer(page).waitFor();
    });

    it('a viewer that was closed otherwise does not come back with Back', async () => {
      const page = await site.open({}, '/imagine');
      await openTab(page, 'Draw');
      for (const close of ['Escape', 'button', 'beside'] as const) {
        await tiles(page).first().click();
        await viewer(page).waitFor();
        if (close === 'Escape') await page.keyboard.press('Escape');
        if (close === 'button') await viewer(page).getByRole('button', { name: 'Close' }).click();
        if (close === 'beside') await page.mouse.click(4, 4);
        await closed(page);
      }
      await page.waitForURL(`${site.origin}/draw`);
      await page.goBack();
      await shownTab(page, 'Imagine');
      expect(await viewer(page).count()).toBe(0);
    });

    it('from a tab that the viewer led to, Back leads to the tab before', async () => {
      const page = await site.open();
      await tiles(page).first().click();
      await viewer(page).getByRole('button', { name: 'Describe' }).click();
      await shownTab(page, 'Describe');
      await page.goBack();
      await shownTab(page, 'Draw');
      await closed(page);
      await page.waitForURL(`${site.origin}/draw`);
    });

    it('Back closes the form as a program, on a phone too', async () => {
      const page = await site.open(phone, '/imagine');
      await page.getByRole('button', { name: 'Use via API' }).click();
      await page.getByLabel('curl code').waitFor();
      await page.goBack();
      await page.getByLabel('curl code').waitFor({ state: 'detached' });
      await shownTab(page, 'Imagine');
    });

    it('a picture has an address, which opens it, and closes to its tab', async () => {
      const first = await site.open();
      await onlyPicture(first, 'a red hat').first().click();
      await viewer(first).waitFor();
      const page = await site.open({}, addressOf(first));
      await viewer(page).getByText('a red hat').waitFor();
      await page.reload();
      await viewer(page).getByText('a red hat').waitFor();
      await viewer(page).getByRole('button', { name: 'Close' }).click();
      await closed(page);
      await page.waitForURL(`${site.origin}/draw`);
    });

    it('the address of a picture that is older than the gallery shows opens it too', async () => {
      const first = await site.open();
      await onlyPicture(first, 'a red hat').first().click();
      await viewer(first).waitFor();
      const body = JSON.stringify({ mode: 't2i', prompt: 'one of many', steps: 1 });
      const headers = { 'content-type': 'application/json' };
      for (let count = 0; count < 61; count++) await fetch(`${site.origin}/v1/jobs`, { method: 'POST', headers, body });
      const page = await site.open({}, addressOf(first));
      await viewer(page).getByText('a red hat').waitFor();
      await page.keyboard.press('Escape');
      await closed(page);
      const many = onlyPicture(page, 'one of many');
      await page.getByRole('button', { name: 'Show older' }).click();
      await expect.poll(() => many.count(), { timeout: testTimeout }).toBe(61);
    });

    it('the address of a picture that is gone says so', async () => {
      const page = await site.open({}, '/draw?job=job_that_never_was&sample=0');
      await page.getByText('is no longer kept').waitFor();
      await page.waitForURL(`${site.origin}/draw`);
    });

    it('a reload keeps what was written, chosen and shown', async () => {
      const page = await site.open();
      await draw(page, 'three blue hats', 2);
      await page.locator('.settings summary').click();
      await page.getByLabel('Seed', { exact: true }).fill('42');
      await page.getByLabel('Guidance', { exact: true }).fill('5.5');
      await status(page, 'succeeded');
      await openTab(page, 'Imagine');
      await page.getByText('Chain', { exact: true }).click();
      await setCount(page, 'Rounds', 3);
      await page.reload();
      await shownTab(page, 'Imagine');
      expect(await page.getByLabel('Rounds', { exact: true }).inputValue()).toBe('3');
      await openTab(page, 'Draw');
      expect(await caption(page).inputValue()).toBe('three blue hats');
      expect(await page.getByLabel('Pictures', { exact: true }).inputValue()).toBe('2');
      await page.getByText('seed 42 · guidance 5.5').waitFor();
      expect(await result(page).getByRole('link').count()).toBe(2);
    });

    it('a reload keeps the pictures given, and the mask painted on one', async () => {
      const page = await site.open({}, '/describe');
      await givePicture(page, 'noisy.png', await noise(300));
      await page.getByRole('img', { name: 'Picture: noisy.png' }).waitFor();
      await run(page, 'Describe');
      await status(page, 'succeeded');
      await openTab(page, 'Inpaint');
      await givePicture(page, 'other.png', await noise(64));
      await page.getByRole('button', { name: 'left', exact: true }).click();
      const mask = page.getByRole('application');
      const look = () => mask.evaluate(element => (element as HTMLCanvasElement).toDataURL());
      const painted = await look();
      await page.reload();
      await mask.waitFor();
      await expect.poll(look, { timeout: testTimeout }).toBe(painted);
      await openTab(page, 'Describe');
      await page.getByRole('img', { name: 'Picture: noisy.png' }).waitFor();
      await result(page).getByText('a fake caption').first().waitFor();
    });

    it('a reload says which pictures were too large to be kept', async () => {
      const page = await site.open({}, '/vary');
      await page.getByText('Interpolation', { exact: true }).click();
      await page.getByText('Two pictures', { exact: true }).click();
      const large = await noise(830); // just under the two megabytes from which pictures are made smaller
      for (const [place, name] of ['first.png', 'second.png'].entries()) {
        const field = page.locator('.picture-input').nth(place);
        await field.locator('input[type=file]').setInputFiles({ name, mimeType: 'image/png', buffer: large });
        await page.getByRole('img', { name: `picture: ${name}` }).waitFor();
      }
      await page.reload();
      await page.getByRole('img', { name: 'picture: first.png' }).waitFor();
      await page.getByText('second.png was too large').waitFor();
    });

    it('met no error', () => {
      expect(site.faults.filter(fault => !fault.includes('404'))).toEqual([]);
    });
  },
);
