/**
 * The gallery: runs, what filters them, favourites, and what is done with one picture or with many. In headless Chromium with a
 * stand-in model; without Chromium all are skipped.
 */
import { readFile } from 'node:fs/promises';
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { WireJob } from '../../server/routes/native/wire.ts';
import { answeringAndDrawing } from './answering.ts';
import { gallery, shownTab, tiles, viewer } from './drive.ts';
import { chromiumPath, openSite, phone, type Site, testTimeout } from './open-page.ts';

let site: Site;

async function ask(path: string, method = 'GET', body?: object): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  return fetch(site.origin + path, { method, ...(body && { headers, body: JSON.stringify(body) }) });
}

/** Has a job done, and gives it as it is then. */
async function make(body: object): Promise<WireJob> {
  const { urls } = (await (await ask('/v1/jobs', 'POST', body)).json()) as WireJob;
  await (await ask(urls.events)).text();
  return (await ask(urls.get)).json() as Promise<WireJob>;
}

const drawn = (prompt: string, n = 1) => make({ mode: 't2i', prompt, n });
const jobs = async () => ((await (await ask('/v1/jobs?limit=100')).json()) as { jobs: WireJob[] }).jobs;
const boxes = (page: Page) => gallery(page).locator('.entry').getByRole('checkbox');
const bar = (page: Page) => gallery(page).getByRole('region', { name: 'Selection' });
const beginSelecting = (page: Page) => gallery(page).getByRole('button', { name: 'Select', exact: true }).click();
const names = (page: Page) =>
  tiles(page)
    .getByRole('img')
    .evaluateAll(images => images.map(image => image.getAttribute('alt')));
/** Waits for this many pictures. */
const has = (page: Page, count: number) => expect.poll(() => tiles(page).count(), { timeout: testTimeout }).toBe(count);
const faults = async (page: Page) => (await new AxeBuilder({ page }).analyze()).violations.map(({ id }) => id);

describe.skipIf(!chromiumPath)(
  'the gallery (needs Chromium: apt-get install chromium)',
  { timeout: testTimeout },
  () => {
    beforeAll(async () => {
      site = await openSite(answeringAndDrawing());
    }, testTimeout);
    afterEach(async () => {
      await site.closePages();
      for (const { urls } of await jobs()) await ask(urls.get, 'DELETE');
    });
    afterAll(() => site.close(), testTimeout);

    it('says what to do while it is empty', async () => {
      const page = await site.open({}, '/draw');
      await gallery(page).getByText('Make something with the form above').waitFor();
      expect(await gallery(page).getByRole('button', { name: 'Select', exact: true }).count()).toBe(0);
    });

    it('is grouped by run, whose heading says what it was and leads to it', async () => {
      const { id } = await drawn('two red hearts', 3);
      await make({ mode: 'joint', n: 2 });
      await make({ mode: 'interpolate', prompt: 'a fox', prompt2: 'a bear', frames: 3 });
      const page = await site.open({}, '/draw');
      await has(page, 6);
      const heads = gallery(page).locator('.run-head');
      expect(await heads.getByRole('heading', { level: 3 }).allTextContents()).toEqual([
        'a fox → a bear',
        'Pair',
        'two red hearts',
      ]);
      await heads.nth(2).getByText('Drawing').waitFor();
      await heads.nth(2).getByText('3 pictures').waitFor();
      const link = heads.getByRole('link', { name: 'two red hearts' });
      const address = await link.getAttribute('href');
      expect(address).toBe(`/#job/${id}`);
      await link.click();
      await viewer(page).getByText('two red hearts').waitFor();
      await page.goBack();
      await viewer(page).waitFor({ state: 'hidden' });
      const other = await site.open({}, address!);
      await viewer(other).getByText('two red hearts').waitFor();
    });

    it('is filtered by words, by what made it, and by favourites, and says so where nothing is left', async () => {
      await drawn('a Café in Köln');
      await drawn('two red hearts', 2);
      await make({ mode: 'joint', n: 1 });
      const page = await site.open({}, '/draw');
      await has(page, 4);
      const search = gallery(page).getByRole('searchbox');
      await search.fill('cafe in');
      await has(page, 1);
      await search.fill('a fake caption');
      expect(await names(page)).toEqual([expect.stringContaining('a fake caption')]);
      await search.fill('');
      await gallery(page).getByRole('combobox', { name: 'Made by' }).selectOption({ label: 'Drawing' });
      await has(page, 3);
      const favourites = gallery(page).getByRole('button', { name: 'Favourites' });
      await favourites.click();
      await gallery(page).getByText('Nothing like that').waitFor();
      await gallery(page).getByRole('combobox', { name: 'Made by' }).selectOption({ label: 'Everything' });
      await gallery(page).getByText('No favourites yet. Press the star').waitFor();
      await gallery(page).getByRole('button', { name: 'Show all' }).click();
      await has(page, 4);
    });

    it('finds what is older than it has read', async () => {
      const { urls } = await drawn('the oldest');
      await ask(`${urls.get}/samples/0`, 'PATCH', { favourite: true });
      for (let count = 0; count < 61; count++) await drawn(`picture ${count}`);
      const page = await site.open({}, '/draw');
      await has(page, 60);
      await gallery(page).getByRole('button', { name: 'Favourites' }).click();
      await gallery(page).getByText('Found among the latest 60 runs.').waitFor();
      await gallery(page).getByRole('button', { name: 'Look further back' }).click();
      await has(page, 1);
      expect(await names(page)).toEqual([expect.stringContaining('the oldest')]);
    });

    it('has favourites, which the server keeps: over a reload, and in other windows', async () => {
      const { urls } = await drawn('two red hearts', 2);
      const [page, other] = [await site.open({}, '/draw'), await site.open({}, '/draw')];
      await tiles(page).first().hover();
      await gallery(page).getByRole('button', { name: 'Favourite', exact: true }).first().click();
      await gallery(page).getByRole('button', { name: 'Favourite', exact: true, pressed: true }).waitFor();
      await tiles(page).nth(1).click();
      await viewer(page).getByRole('button', { name: 'Favourite', pressed: false }).click();
      await viewer(page).getByRole('button', { name: 'Favourite', pressed: true }).click();
      await viewer(page).getByRole('button', { name: 'Favourite', pressed: false }).waitFor();
      expect(((await (await ask(urls.get)).json()) as WireJob).result!.samples).toMatchObject([
        { favourite: true },
        {},
      ]);
      await page.keyboard.press('Escape');
      await page.waitForURL(`${site.origin}/draw`); // the step back of the closed viewer would abort the reload
      await page.reload();
      for (const shown of [page, other]) {
        await shown.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
        await gallery(shown).getByRole('button', { name: 'Favourite', exact: true, pressed: true }).waitFor();
      }
    });

    it('deletes one picture from the viewer, which goes on to the next; Back leads to the tab', async () => {
      const { id } = await drawn('two red hearts', 2);
      await drawn('an apple');
      const page = await site.open({}, '/draw');
      await tiles(page, { name: /^two red hearts/ })
        .first()
        .click();
      const last = await names(page);
      await viewer(page).getByRole('button', { name: 'Delete' }).click();
      await viewer(page).getByRole('button', { name: 'Delete all 2 of this run' }).waitFor();
      await viewer(page).getByRole('button', { name: 'Delete this picture' }).click();
      await viewer(page).getByRole('img', { name: last[2]! }).waitFor();
      await page.keyboard.press('ArrowLeft');
      await viewer(page)
        .getByRole('img', { name: /^an apple/ })
        .waitFor();
      await viewer(page).getByRole('button', { name: 'Delete' }).click();
      expect(
        await viewer(page)
          .getByRole('button', { name: 'Keep' })
          .evaluate(own => own === document.activeElement),
      ).toBe(true);
      await viewer(page).getByRole('button', { name: 'Really delete' }).click();
      await viewer(page).getByRole('img', { name: last[2]! }).waitFor();
      expect((await jobs()).map(job => job.id)).toEqual([id]);
      await page.goBack();
      await viewer(page).waitFor({ state: 'hidden' });
      await shownTab(page, 'Draw');
      expect(await names(page)).toEqual([last[2]]);
      await page.goto(`${site.origin}/#job/${id}`);
      await viewer(page).getByRole('img', { name: last[2]! }).waitFor();
    });

    it('leaves the words of an answer whose pictures are deleted', async () => {
      const { urls } = await make({ mode: 'chat', messages: [{ role: 'user', content: 'two foxes' }] });
      const page = await site.open({}, '/draw');
      await has(page, 2);
      await beginSelecting(page);
      await bar(page).getByRole('button', { name: 'All 2' }).click();
      await bar(page).getByRole('button', { name: 'Delete' }).click();
      await bar(page).getByRole('button', { name: 'Delete 2 items' }).click();
      await gallery(page).getByText('Make something with the form above').waitFor();
      const { result } = (await (await ask(urls.get)).json()) as WireJob;
      expect(result!.samples).toMatchObject([{ removed: true }, { removed: true }]);
      expect(result!.answer!.content.length).toBeGreaterThan(0);
    });

    it('selects many: one by one, ranges by Shift with a click or a key, runs, all, none', async () => {
      await drawn('two red hearts', 4);
      await drawn('an apple');
      await make({ mode: 'joint', n: 3 });
      const page = await site.open({}, '/draw');
      await has(page, 8);
      await beginSelecting(page);
      const selected = (text: string) => bar(page).getByText(text, { exact: true }).waitFor();
      await boxes(page).nth(1).click();
      await selected('1 selected');
      await gallery(page)
        .locator('.entry label')
        .nth(4)
        .click({ modifiers: ['Shift'], position: { x: 60, y: 90 } });
      await selected('4 selected');
      await boxes(page).nth(7).focus();
      await page.keyboard.press('Shift+Space');
      await selected('7 selected');
      await boxes(page).nth(6).press('Space');
      await selected('6 selected');
      await gallery(page).getByRole('checkbox', { name: 'All of two red hearts' }).click();
      await selected('7 selected');
      await gallery(page).getByRole('checkbox', { name: 'All of two red hearts' }).click();
      await selected('3 selected');
      await page.keyboard.press('Control+a');
      await selected('8 selected');
      await gallery(page).getByRole('searchbox').fill('apple');
      await selected('1 selected');
      await bar(page).getByRole('button', { name: 'None' }).click();
      await selected('Select what to keep, save or delete');
      await boxes(page).first().click();
      await page.keyboard.press('Escape');
      await bar(page).waitFor({ state: 'detached' });
      await tiles(page).first().waitFor();
    });

    it('deletes and marks what is selected, and nothing that a filter hides', async () => {
      await drawn('two red hearts', 2);
      await drawn('an apple');
      const page = await site.open({}, '/draw');
      await has(page, 3);
      await beginSelecting(page);
      await bar(page).getByRole('button', { name: 'All 3' }).click();
      await gallery(page).getByRole('searchbox').fill('hearts');
      await bar(page).getByRole('button', { name: 'Favourite' }).click();
      await bar(page).getByRole('button', { name: 'Favourite', pressed: true }).waitFor();
      await boxes(page).first().click();
      await bar(page).getByRole('button', { name: 'Delete', exact: true }).dblclick();
      await bar(page).getByRole('button', { name: 'Delete', exact: true }).click();
      await bar(page).getByRole('button', { name: 'Delete 1 item, 1 favourite among them' }).click();
      await bar(page).getByText('Select what to keep').waitFor();
      await gallery(page).getByRole('searchbox').fill('');
      await bar(page).getByRole('button', { name: 'Done' }).click();
      await has(page, 2);
      const samples = (await jobs()).flatMap(({ result }) => result!.samples);
      expect(samples.map(({ favourite, removed }) => [favourite, removed])).toEqual([
        [undefined, undefined],
        [true, undefined],
        [undefined, true],
      ]);
    });

    it('downloads one picture as it is, and several as one archive', async () => {
      const { result } = await drawn('two red hearts', 2);
      await make({ mode: 't', n: 1 });
      const page = await site.open({}, '/draw');
      await has(page, 2);
      await beginSelecting(page);
      const download = async () => {
        const begun = page.waitForEvent('download');
        await bar(page).getByRole('button', { name: 'Download' }).click();
        const file = await begun;
        return { name: file.suggestedFilename(), bytes: await readFile(await file.path()) };
      };
      await boxes(page).nth(1).click();
      const [{ seed, url }] = result!.samples as [{ seed: number; url: string }];
      const one = await download();
      expect(one.name).toBe(`two-red-hearts-${seed}.png`);
      expect(one.bytes).toEqual(Buffer.from(await (await ask(url)).arrayBuffer()));
      await bar(page).getByRole('button', { name: 'All 3' }).click();
      const all = await download();
      expect(all.name).toBe('duet-3-files.zip');
      expect(all.bytes.toString('latin1', 0, 4)).toBe('PK\x03\x04');
      expect(all.bytes.includes(one.bytes)).toBe(true);
      for (const name of [`two-red-hearts-${seed + 1}.png`, 'a-fake-caption-'])
        expect(all.bytes.includes(name)).toBe(true);
    });

    it('says what is no longer there, and looks again', async () => {
      const [gone] = [await drawn('two red hearts'), await drawn('an apple')];
      const page = await site.open({}, '/draw');
      await has(page, 2);
      await ask(gone.urls.get, 'DELETE');
      await tiles(page, { name: /^two red hearts/ }).hover();
      await gallery(page).getByRole('button', { name: 'Favourite', exact: true }).last().click();
      await page.getByRole('alert').getByText('There is no job').waitFor();
      await has(page, 1);
    });

    it.each([
      ['desktop', {}],
      ['phone', phone],
      ['dark', { colorScheme: 'dark' } as const],
    ])('is accessible and fits, also while selecting: %s', async (_, options) => {
      await drawn('a cat to the left of a dog in a rather long caption', 5);
      await make({ mode: 't', n: 1 });
      const page = await site.open({ ...options, reducedMotion: 'reduce' }, '/draw');
      await has(page, 5);
      const fits = () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
      expect([await faults(page), await fits()]).toEqual([[], true]);
      await beginSelecting(page);
      await boxes(page).nth(2).click();
      await bar(page).getByRole('button', { name: 'Delete' }).click();
      expect([await faults(page), await fits()]).toEqual([[], true]);
    });

    it('met no error that was not staged, and asked nobody but this server', () => {
      expect(site.faults.filter(fault => !fault.includes('404'))).toEqual([]);
      expect(site.foreignRequests).toEqual([]);
    });
  },
);
