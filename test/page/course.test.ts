/**
 * The course of jobs on the page, in headless Chromium with a model whose steps the tests allow: cancelling, many jobs,
 * two windows, a server that goes away. Without Chromium all are skipped.
 */
import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type FakeModel, fakeModel } from '../../server/testing/fake-model.ts';
import { chromiumPath, openSite, phone, type Site } from './open-page.ts';

const patience = 300_000;
let model: FakeModel;
let site: Site;
const opened: Page[] = [];

async function open(options?: BrowserContextOptions, hash?: string): Promise<Page> {
  const page = await site.open(options, hash);
  opened.push(page);
  return page;
}

const run = (page: Page, verb: string) => page.getByRole('button', { name: new RegExp(`^${verb}\\b`) }).click();
const status = (page: Page, name: string) => page.locator(`.status.is-${name}`).waitFor();
const tiles = (page: Page) => page.getByRole('region', { name: 'Gallery' }).getByRole('link');
const gone = (page: Page) => page.getByRole('alert').getByText('The server does not answer');

async function draw(page: Page, caption: string, pictures = 1): Promise<void> {
  await page.getByLabel('Caption').fill(caption);
  await page.getByLabel('Pictures', { exact: true }).fill(String(pictures));
  await page.getByLabel('Pictures', { exact: true }).blur();
  await run(page, 'Draw');
}

async function cancelled(page: Page): Promise<void> {
  await status(page, 'running');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await status(page, 'cancelled');
}

describe.skipIf(!chromiumPath)(
  'the course of jobs (needs Chromium: apt-get install chromium)',
  { timeout: patience },
  () => {
    beforeAll(async () => {
      model = fakeModel({ pace: 'stepwise' });
      site = await openSite(model);
    }, patience);
    afterEach(() => Promise.all(opened.splice(0).map(page => page.context().close())));
    afterAll(() => site.close(), patience);

    it('cancels in mid-run on every tab', async () => {
      const page = await open();
      await draw(page, 'an apple');
      await cancelled(page);
      await page.getByRole('tab', { name: 'Imagine' }).click();
      await run(page, 'Imagine');
      await cancelled(page);
      await page.getByRole('tab', { name: 'Vary & Mix' }).click();
      await page.getByText('Mix two').click();
      await page.getByLabel('From').fill('an apple');
      await page.getByLabel('To', { exact: true }).fill('a red heart');
      await run(page, 'Mix');
      await cancelled(page);
      await page.getByRole('tab', { name: 'Inpaint' }).click();
      await page.getByText('Words of a caption').click();
      await page.getByRole('button', { name: 'a rocket above a _' }).click();
      await run(page, 'Fill in');
      await cancelled(page);
    });

    it('keeps still where less motion is asked for', async () => {
      const page = await open();
      await draw(page, 'an apple');
      await status(page, 'running');
      const noise = page.locator('.tile canvas.noise');
      const changes = async () => {
        const look = () => noise.evaluate(element => (element as HTMLCanvasElement).toDataURL());
        const before = await look();
        await page.waitForTimeout(600);
        return before !== (await look());
      };
      expect(await changes()).toBe(true);
      await page.emulateMedia({ reducedMotion: 'reduce' });
      await page.reload();
      await status(page, 'running');
      expect(await changes()).toBe(false);
      expect(await page.evaluate(() => document.getAnimations().length)).toBe(0);
      await cancelled(page);
    });

    it('can cancel and be asked for more while many jobs run', async () => {
      const page = await open();
      for (let count = 1; count <= 8; count++) {
        await draw(page, `apple ${count}`);
        await page.locator(`.model-name[title^="${count} running"]`).waitFor();
      }
      await page.getByRole('button', { name: 'Cancel' }).click();
      await status(page, 'cancelled');
      model.advance();
      await page.locator('.model-name[title="Ready"]').waitFor();
      expect(await tiles(page).count()).toBe(7);
    });

    it('shows in one window what another one makes and removes', async () => {
      const one = await open();
      const other = await one.context().newPage();
      await other.goto(site.origin);
      await tiles(other).first().waitFor();
      await draw(one, 'a shared star');
      const shared = tiles(other).filter({ has: other.getByRole('img', { name: /^a shared star/ }) });
      await shared.waitFor();
      await other.getByRole('heading', { name: 'An empty sheet' }).waitFor();
      await shared.click();
      await other.getByRole('button', { name: 'Delete' }).click();
      await other.getByRole('button', { name: 'Really delete' }).click();
      await shared.waitFor({ state: 'detached' });
      await one
        .getByRole('region', { name: 'Gallery' })
        .getByRole('img', { name: /^a shared star/ })
        .waitFor({ state: 'detached' });
    });

    it('keeps a number that is being typed, whatever else changes', async () => {
      const page = await open();
      const pictures = page.getByLabel('Pictures', { exact: true });
      await pictures.fill('12');
      await page.getByLabel('Caption').evaluate(element => {
        (element as HTMLTextAreaElement).value = 'a green frog';
        element.dispatchEvent(new Event('input', { bubbles: true }));
      });
      await page.getByRole('button', { name: /^Use via API/ }).click({ trial: true });
      expect(await pictures.inputValue()).toBe('12');
      await pictures.blur();
      expect(await pictures.inputValue()).toBe('10');
      await pictures.fill('2');
      await pictures.press('Control+Enter');
      await status(page, 'succeeded');
      expect(await page.locator('.stage .tile').count()).toBe(2);
    });

    it('draws by keyboard alone', async () => {
      const page = await open();
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
      const results = page.getByRole('region', { name: 'Result' }).getByRole('link');
      expect(await results.count()).toBe(3);
      await results.first().focus();
      await page.keyboard.press('Enter');
      await page.getByRole('dialog').waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'hidden' });
      expect(await results.first().evaluate(element => element === document.activeElement)).toBe(true);
    });

    it('restores every setting of a picture that is dragged onto the page', async () => {
      const page = await open({ viewport: { width: 1280, height: 1400 } });
      await page.locator('.settings summary').click();
      await page.getByLabel('Seed', { exact: true }).fill('77');
      await page.getByLabel('Steps').fill('3');
      await page.getByLabel('Guidance').fill('5.5');
      await page.getByLabel('Solver').selectOption('ddim');
      await draw(page, 'a purple hat');
      await status(page, 'succeeded');
      await page.reload();
      await page.getByRole('tab', { name: 'Imagine' }).click();
      await tiles(page)
        .first()
        .dragTo(page.getByRole('heading', { level: 1 }));
      await page.getByRole('heading', { name: 'Write it, and it is drawn' }).waitFor();
      expect(await page.getByLabel('Caption').inputValue()).toBe('a purple hat');
      expect(await page.locator('.settings-summary').textContent()).toBe('seed 77 · 3 steps · guidance 5.5 · ddim');
    });

    it('fits a narrow phone with results, long words and open settings', async () => {
      const page = await open({ ...phone, viewport: { width: 320, height: 640 } });
      await draw(page, 'w'.repeat(120), 4);
      await status(page, 'succeeded');
      for (const tab of ['Draw', 'Describe', 'Imagine', 'Vary & Mix', 'Inpaint']) {
        await page.getByRole('tab', { name: tab }).click();
        await page.locator('.settings summary').press('Enter');
        await page.locator('.settings-body').waitFor();
        expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), tab).toBeLessThanOrEqual(
          0,
        );
      }
    });

    it('says that the server is gone, and goes on when it is back', async () => {
      const page = await open();
      await page.getByLabel('Caption').fill('a golden key');
      await site.stop();
      await run(page, 'Draw');
      await gone(page).waitFor();
      expect(await page.getByRole('button', { name: /^Draw\b/ }).isDisabled()).toBe(true);
      await site.restart();
      await gone(page).waitFor({ state: 'detached' });
      await run(page, 'Draw');
      await status(page, 'succeeded');
    });
  },
);
