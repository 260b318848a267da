/**
 * Jobs on the page from their start to their end, in headless Chromium with a model whose steps the tests allow: previews,
 * cancelling, many jobs, two windows, a server that goes away. Without Chromium all are skipped.
 */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type FakeModel, fakeModel } from '../../server/testing/fake-model.ts';
import { cancelled, caption, draw, openTab, result, run, runButton, status, tabNames, tiles } from './drive.ts';
import { chromiumPath, openSite, phone, type Site, testTimeout } from './open-page.ts';

let model: FakeModel;
let site: Site;

const gone = (page: Page) => page.getByRole('alert').getByText('The server does not answer');

describe.skipIf(!chromiumPath)(
  'jobs on the page (needs Chromium: apt-get install chromium)',
  { timeout: testTimeout },
  () => {
    beforeAll(async () => {
      model = fakeModel({ pace: 'stepwise', staggered: true });
      site = await openSite(model);
    }, testTimeout);
    // A test whose jobs are to come to their end lets them.
    beforeEach(() => model.hold());
    afterEach(() => site.closePages());
    afterAll(() => site.close(), testTimeout);

    it('cancels in mid-run on every tab', async () => {
      const page = await site.open();
      await draw(page, 'an apple');
      await cancelled(page);
      await openTab(page, 'Imagine');
      await run(page, 'Imagine');
      await cancelled(page);
      await openTab(page, 'Vary & Mix');
      await page.getByText('Interpolation', { exact: true }).click();
      await page.getByLabel('From').fill('an apple');
      await page.getByLabel('To', { exact: true }).fill('a red heart');
      await run(page, 'Mix');
      await cancelled(page);
      await openTab(page, 'Inpaint');
      await page.getByText('Words of a caption').click();
      await page.getByRole('button', { name: / _$/ }).click();
      await run(page, 'Fill in');
      await cancelled(page);
    });

    it('keeps still where less motion is asked for', async () => {
      const page = await site.open();
      await draw(page, 'an apple');
      await status(page, 'running');
      const noise = page.locator('.tile canvas.noise');
      const look = () => noise.evaluate(element => (element as HTMLCanvasElement).toDataURL());
      const first = await look();
      await expect.poll(look, { timeout: testTimeout }).not.toBe(first);
      await page.clock.install(); // from here on, time goes by in leaps that the test makes
      await page.emulateMedia({ reducedMotion: 'reduce' });
      await page.reload();
      await status(page, 'running');
      const still = await look();
      await page.clock.runFor(10_000);
      expect(await look()).toBe(still);
      expect(await page.evaluate(() => document.getAnimations().length)).toBe(0);
      await cancelled(page);
    });

    it('shows how pictures come along, and keeps those of a cancelled job, finished ones for good', async () => {
      const page = await site.open();
      model.advance(2);
      await draw(page, 'a silver bell', 3);
      await result(page).getByRole('img', { name: 'Picture 3 so far' }).waitFor();
      await result(page).getByRole('img', { name: 'Picture 1, finished' }).waitFor();
      await cancelled(page);
      const finished = result(page).getByRole('img', { name: /^a silver bell, seed/ });
      const unfinished = result(page).getByRole('link', { name: /^Picture \d, unfinished/ });
      await finished.waitFor();
      expect([await finished.count(), await unfinished.count()]).toEqual([1, 2]);
      await result(page).getByText('Cancelled after step 2 of 4').waitFor();
      await page.reload();
      await unfinished.nth(1).waitFor();
      await finished.waitFor();
      const download = page.waitForEvent('download');
      await unfinished.first().click();
      expect((await download).suggestedFilename()).toBe('duet-unfinished-1.png');
      const other = await site.open();
      await tiles(other, { name: /^a silver bell/ }).click();
      await other.getByRole('dialog').getByText('a silver bell').waitFor();
    });

    it('can cancel and be asked for more while many jobs run', async () => {
      const page = await site.open();
      for (let count = 1; count <= 8; count++) {
        await draw(page, `apple ${count}`);
        await page.locator(`.model-name[title^="${count} running"]`).waitFor();
      }
      await page.getByRole('button', { name: 'Cancel', exact: true }).click();
      await status(page, 'cancelled');
      model.advance();
      await page.locator('.model-name[title="Ready"]').waitFor();
      const apples = tiles(page, { name: /^apple \d/ });
      await expect.poll(() => apples.count(), { timeout: testTimeout }).toBe(7);
    });

    it('shows in one window what another one makes and removes', async () => {
      const one = await site.open();
      const other = await one.context().newPage();
      await other.goto(site.origin);
      await other.getByRole('heading', { name: 'Your pictures appear here' }).waitFor();
      model.advance();
      await draw(one, 'a shared star');
      const shared = tiles(other).filter({ has: other.getByRole('img', { name: /^a shared star/ }) });
      await shared.waitFor();
      await other.getByRole('heading', { name: 'Your pictures appear here' }).waitFor();
      await shared.click();
      await other.getByRole('button', { name: 'Delete' }).click();
      await other.getByRole('button', { name: 'Really delete' }).click();
      await shared.waitFor({ state: 'detached' });
      await other.keyboard.press('Escape'); // the viewer goes on to another one, if there is one
      await other.getByRole('dialog').waitFor({ state: 'hidden' });
      await one
        .getByRole('region', { name: 'Gallery' })
        .getByRole('img', { name: /^a shared star/ })
        .waitFor({ state: 'detached' });
    });

    it('keeps a number that is being typed, whatever else changes', async () => {
      model.advance();
      const page = await site.open();
      const pictures = page.getByLabel('Pictures', { exact: true });
      await pictures.fill('99');
      await caption(page).evaluate(element => {
        (element as HTMLTextAreaElement).value = 'a green frog';
        element.dispatchEvent(new Event('input', { bubbles: true }));
      });
      await page.getByRole('button', { name: /^Use via API/ }).click({ trial: true });
      expect(await pictures.inputValue()).toBe('99');
      await pictures.blur();
      expect(await pictures.inputValue()).toBe('16');
      await pictures.fill('2');
      await pictures.press('Control+Enter');
      await status(page, 'succeeded');
      expect(await page.locator('.stage .tile').count()).toBe(2);
    });

    it('draws by keyboard alone', async () => {
      model.advance();
      const page = await site.open();
      await page.getByRole('tab', { name: 'Draw' }).focus();
      const tabTo = async (name: string) => {
        for (let presses = 0; presses < 30; presses++) {
          await page.keyboard.press('Tab');
          const focused = await page.evaluate(() => {
            const element = document.activeElement as HTMLInputElement | null;
            return (
              element?.labels?.[0]?.textContent ?? element?.getAttribute('aria-label') ?? element?.textContent ?? ''
            );
          });
          if (focused.startsWith(name)) return;
        }
        throw new Error(`Tab does not lead to ${name}`);
      };
      await tabTo('Caption');
      await page.keyboard.type('a blue fish');
      await tabTo('Pictures');
      await page.keyboard.press('ArrowDown');
      await tabTo('Draw');
      await page.keyboard.press('Enter');
      await status(page, 'succeeded');
      const results = result(page).getByRole('link');
      expect(await results.count()).toBe(3);
      await results.first().focus();
      await page.keyboard.press('Enter');
      await page.getByRole('dialog').waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'hidden' });
      expect(await results.first().evaluate(element => element === document.activeElement)).toBe(true);
    });

    it('restores every setting of a picture that is dragged onto the page', async () => {
      model.advance();
      const page = await site.open({ viewport: { width: 1280, height: 1400 } });
      await page.locator('.settings summary').click();
      await page.getByLabel('Seed', { exact: true }).fill('77');
      await page.getByLabel('Steps', { exact: true }).fill('3');
      await page.getByLabel('Guidance', { exact: true }).fill('5.5');
      await page.getByLabel('Solver').selectOption('ddim');
      await draw(page, 'a purple hat');
      await status(page, 'succeeded');
      await page.reload();
      await openTab(page, 'Imagine');
      await tiles(page)
        .first()
        .dragTo(page.getByRole('heading', { level: 1 }));
      await page.getByRole('heading', { name: 'Draw pictures from a caption' }).waitFor();
      expect(await caption(page).inputValue()).toBe('a purple hat');
      expect(await page.locator('.settings-summary').textContent()).toBe(
        'seed 77 · steps 3 · guidance 5.5 · solver ddim',
      );
    });

    it('fits a narrow phone with results, long words and open settings', async () => {
      model.advance();
      const page = await site.open({ ...phone, viewport: { width: 320, height: 640 } });
      await draw(page, 'w'.repeat(120), 4);
      await status(page, 'succeeded');
      for (const tab of tabNames) {
        await openTab(page, tab);
        await page.locator('.settings summary').press('Enter');
        await page.locator('.settings-body').waitFor();
        expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), tab).toBeLessThanOrEqual(
          0,
        );
      }
    });

    it('says that the server is gone, and goes on when it is back', async () => {
      model.advance();
      const page = await site.open();
      await caption(page).fill('a golden key');
      await site.stop();
      await run(page, 'Draw');
      await gone(page).waitFor();
      expect(await runButton(page, 'Draw').isDisabled()).toBe(true);
      await site.restart();
      await gone(page).waitFor({ state: 'detached' });
      await run(page, 'Draw');
      await status(page, 'succeeded');
    });
  },
);
