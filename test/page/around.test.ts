/**
 * What stands around results: the strip of jobs under way, links to jobs, results of a former input, before and after, the
 * words that the model knows. Without Chromium all are skipped.
 */
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type FakeModel, fakeModel, fakePicture } from '../../server/testing/fake-model.ts';
import type { LoadedModel } from '../../server/types.ts';
import { caption, draw, givePicture, openTab, result, run, shownTab, status, tiles, viewer } from './drive.ts';
import { chromiumPath, openSite, phone, type Site, testTimeout } from './open-page.ts';

const vocabulary = ['a', 'apple', 'apples', 'bear', 'cat', 'red', 'two'];
let model: FakeModel;
let site: Site;

/** A model that knows a few words. */
function wordy(fake: FakeModel): LoadedModel {
  const inspectCaption = (text: string) => {
    const words = text.toLowerCase().match(/[a-z]+/g) ?? [];
    return { unknownWords: [...new Set(words)].filter(word => !vocabulary.includes(word)), cut: false };
  };
  return { ...fake, info: { ...fake.info, vocabulary, inspectCaption } };
}

const strip = (page: Page) => page.getByRole('region', { name: /^Under way/ });
const seriousFaults = async (page: Page) => {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id }) => id);
};

describe.skipIf(!chromiumPath)(
  'around results (needs Chromium: apt-get install chromium)',
  { timeout: testTimeout },
  () => {
    beforeAll(async () => {
      model = fakeModel({ pace: 'stepwise' });
      site = await openSite(wordy(model));
    }, testTimeout);
    afterEach(() => site.closePages());
    afterAll(() => site.close(), testTimeout);

    it.each([
      ['desktop', {}],
      ['phone', phone],
    ] as const)('a strip shows what runs and waits, leads to it, and cancels it: %s', async (_, options) => {
      const page = await site.open({ ...options, reducedMotion: 'reduce' });
      await draw(page, 'red cat');
      await status(page, 'running');
      await openTab(page, 'Imagine');
      await run(page, 'Imagine');
      await status(page, 'running');
      await strip(page).getByRole('button', { name: 'Show Pair' }).waitFor();
      expect(await strip(page).getByRole('listitem').count()).toBe(2);
      expect(await seriousFaults(page)).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
      await strip(page).getByRole('button', { name: 'Show Drawing, red cat' }).press('Enter');
      await shownTab(page, 'Draw');
      await result(page)
        .getByRole('img', { name: /Picture 1/ })
        .waitFor();
      await strip(page).getByRole('button', { name: 'Cancel Pair' }).press('Enter');
      await strip(page).getByRole('button', { name: 'Show Pair' }).waitFor({ state: 'detached' });
      await strip(page).getByRole('button', { name: 'Cancel Drawing, red cat' }).click();
      await strip(page).waitFor({ state: 'detached' });
      await status(page, 'cancelled');
    });

    it('a short link opens a job that is over in the viewer, and one that runs on its stage', async () => {
      const first = await site.open({}, '/imagine');
      await run(first, 'Imagine');
      await status(first, 'running');
      const { jobs } = (await (await fetch(`${site.origin}/v1/jobs`)).json()) as { jobs: { id: string }[] };
      const running = await site.open({}, `/#job/${jobs[0]!.id}`);
      await shownTab(running, 'Imagine');
      await status(running, 'running');
      expect(await viewer(running).count()).toBe(0);
      model.advance();
      await status(running, 'succeeded');
      const over = await site.open({}, `/#job/${jobs[0]!.id}`);
      await viewer(over).getByText('a fake caption').waitFor();
      await over.goBack();
    });

    it('a result of another input is dimmed, until the input comes back', async () => {
      const page = await site.open();
      await draw(page, 'two apples');
      await status(page, 'succeeded');
      await caption(page).focus();
      const opacity = () =>
        result(page)
          .locator('.tile')
          .first()
          .evaluate(element => Number(getComputedStyle(element).opacity));
      await expect.poll(opacity, { timeout: testTimeout }).toBe(1);
      await caption(page).fill('two cats');
      await expect.poll(opacity, { timeout: testTimeout }).toBeLessThan(0.6);
      await caption(page).fill('two apples');
      await expect.poll(opacity, { timeout: testTimeout }).toBe(1);
    });

    it('a slider leads from the picture before to the one after', async () => {
      const page = await site.open({}, '/vary');
      await givePicture(page, 'given.png', Buffer.from(await fakePicture(90).toPng()));
      await run(page, 'Vary');
      await status(page, 'succeeded');
      await result(page).getByRole('link').first().click();
      const slider = viewer(page).getByRole('slider', { name: 'Before and after' });
      const shown = () =>
        viewer(page)
          .locator('.comparison-after')
          .evaluate(element => getComputedStyle(element).clipPath);
      expect(await shown()).toBe('inset(0px 0px 0px 50%)');
      await slider.press('Home');
      expect(await shown()).toBe('inset(0px 0px 0px 0%)');
      await slider.press('ArrowRight');
      expect(await shown()).toBe('inset(0px 0px 0px 1%)');
      await viewer(page).getByRole('img', { name: 'Before' }).waitFor();
      expect(await seriousFaults(page)).toEqual([]);
      await page.keyboard.press('Escape');
      await viewer(page).waitFor({ state: 'hidden' });
      expect(await tiles(page).count()).toBeGreaterThan(0);
    });

    it.each([
      ['light', {}],
      ['dark', { ...phone, colorScheme: 'dark' }],
    ] as const)('words that the model does not know are marked while they are typed: %s', async (_, options) => {
      const page = await site.open(options);
      await caption(page).fill('two beer and a zzz');
      await page.getByText('The model never learnt beer').waitFor();
      expect(await page.locator('.words-marks u').allTextContents()).toEqual(['beer', 'and', 'zzz']);
      expect(await seriousFaults(page)).toEqual([]);
      await page.getByRole('button', { name: 'bear', exact: true }).first().click();
      expect(await caption(page).inputValue()).toBe('two bear and a zzz');
      await page.getByText('The model never learnt beer').waitFor({ state: 'detached' });
      await caption(page).fill('two');
      await page.locator('.words-marks').waitFor({ state: 'detached' });
      await page.getByText('7 words that the model knows').click();
      await page.getByLabel('Find a word').fill('app');
      const words = page.getByRole('list', { name: 'Words that the model knows' }).getByRole('button');
      expect(await words.allTextContents()).toEqual(['apple', 'apples']);
      await words.last().press('Enter');
      expect(await caption(page).inputValue()).toBe('two apples');
    });

    it('met no error', () => {
      expect(site.faults).toEqual([]);
      expect(site.foreignRequests).toEqual([]);
    });
  },
);
