/**
 * What goes into conversations on the page and comes out of them: pictures, faults, the exported file, other tabs. In headless
 * Chromium with models that answer by a script; without Chromium all are skipped.
 */
import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { foxes } from '../../server/testing/fake-chat-model.ts';
import { DuetError } from '../../src/core/errors.ts';
import { type Answering, answering, answeringAndDrawing } from './answering.ts';
import { answered, answers, draw, message, openTab, questions, say, shownTab, status, tiles, viewer } from './drive.ts';
import { chromiumPath, openSite, type Site, testTimeout } from './open-page.ts';

const plain = (background: string) =>
  sharp({ create: { width: 16, height: 16, channels: 3, background } })
    .png()
    .toBuffer();
const png = async (name: string) => ({ name, mimeType: 'image/png', buffer: await plain(name.split('.')[0]!) });

const given = (page: Page) => page.getByRole('list', { name: 'Pictures of the message' });
const choose = async (page: Page, ...names: string[]) => {
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Add pictures' }).click();
  await (await chooser).setFiles(await Promise.all(names.map(png)));
};

/** Files as if they were pasted or dropped. */
const give = (page: Page, kind: 'paste' | 'drop', name: string, base64: string, type = 'image/png') =>
  page.evaluate(
    ([event, title, bytes, mimeType]) => {
      const data = new DataTransfer();
      const content = Uint8Array.from(atob(bytes), letter => letter.charCodeAt(0));
      data.items.add(new File([content], title, { type: mimeType }));
      const options = { bubbles: true, cancelable: true };
      const target = document.querySelector('.thread')!;
      if (event === 'paste') target.dispatchEvent(new ClipboardEvent('paste', { ...options, clipboardData: data }));
      else target.dispatchEvent(new DragEvent('drop', { ...options, dataTransfer: data }));
    },
    [kind, name, base64, type] as const,
  );

describe.skipIf(!chromiumPath)(
  'around conversations (needs Chromium: apt-get install chromium)',
  { timeout: testTimeout },
  () => {
    let chatty: Answering;
    let site: Site;
    beforeAll(async () => {
      chatty = answering();
      site = await openSite(chatty.model);
    }, testTimeout);
    afterEach(() => site.closePages());
    afterAll(() => site.close(), testTimeout);

    it('takes pictures that are chosen, pasted and dropped, and tells the model of them in their order', async () => {
      const model = chatty.answers({ script: ['I see.'] });
      const page = await site.open();
      await choose(page, 'red.png', 'green.png');
      await given(page).getByRole('img', { name: 'green.png' }).waitFor();
      await give(page, 'paste', 'blue.png', (await plain('blue')).toString('base64'));
      await given(page).getByRole('img', { name: 'blue.png' }).waitFor();
      await give(page, 'drop', 'black.png', (await plain('black')).toString('base64'));
      await given(page).getByRole('img', { name: 'black.png' }).waitFor();
      await page.getByRole('button', { name: 'Remove green.png' }).click();
      await page.reload();
      await given(page).getByRole('img', { name: 'black.png' }).waitFor();
      await give(page, 'drop', 'notes.txt', 'AAAA', 'text/plain');
      await page.getByText('notes.txt is not a picture that this browser can read.').waitFor();
      await say(page, 'what are they?');
      await answers(page).getByText('I see.').waitFor();
      await answered(page);
      const { content } = model.calls[0]!.messages[0]!;
      const parts = content as readonly { readonly type: string; readonly image?: Uint8Array }[];
      expect(parts.map(({ type }) => type)).toEqual(['image', 'image', 'image', 'text']);
      const colours = await Promise.all(
        parts.flatMap(({ image }) => (image ? [sharp(image).removeAlpha().raw().toBuffer()] : [])),
      );
      expect(colours.map(pixels => [...pixels.subarray(0, 3)])).toEqual([
        [255, 0, 0],
        [0, 0, 255],
        [0, 0, 0],
      ]);
      expect(await given(page).count()).toBe(0);
    });

    it('shows given pictures over a reload, and tells the model of them and of its own once more', async () => {
      chatty.answers({ script: foxes });
      const page = await site.open();
      await choose(page, 'red.png');
      await say(page, 'like this');
      await answers(page).getByText('another.').waitFor();
      await answered(page);
      await page.reload();
      const shown = questions(page).getByRole('img', { name: 'red.png' });
      await shown.waitFor();
      expect(await shown.getAttribute('src')).toMatch(/^\/v1\/jobs\/.*\/files\/picture0$/);
      const model = chatty.answers({ script: ['Yes.'] });
      await say(page, 'is it?');
      await answers(page).getByText('Yes.').waitFor();
      const types = model.calls[0]!.messages.map(({ content }) =>
        typeof content === 'string' ? 'text' : content.map(({ type }) => type).join(' '),
      );
      expect(types).toEqual(['image text', 'text image text image text', 'text']);
    });

    it('says in place what went wrong, and tries again', async () => {
      const fault = new DuetError('memory-full', 'There is no memory left');
      const model = chatty.answers({ pace: 'stepwise', script: ['Half a ', { fails: fault }] });
      const page = await site.open();
      await say(page, 'something large');
      model.advance(1);
      await answers(page).getByText('Half a').waitFor();
      model.advance();
      await answers(page).getByText('There is no memory left').waitFor();
      await answers(page).getByText('Half a').waitFor();
      chatty.answers({ script: ['Whole.'] });
      await page.getByRole('button', { name: 'Try again' }).click();
      await answers(page).getByText('Whole.').waitFor();
    });

    it('has the words of an answer that failed before this page could read any', async () => {
      chatty.answers({
        script: ['Half a ', 'fox', { fails: new DuetError('memory-full', 'No memory left') }],
      });
      const page = await site.open();
      await page.route('**/events', route => route.fulfill({ contentType: 'text/event-stream', body: '' }));
      await say(page, 'something large');
      await answers(page).getByText('No memory left').waitFor();
      await answers(page).getByText('Half a fox').waitFor();
      await page.reload();
      await answers(page).getByText('Half a fox').waitFor();
    });

    it('says so when the queue is full, and when the message cannot be answered as it is', async () => {
      chatty.answers({ script: ['At last.'] });
      const page = await site.open();
      const refuse = (status: number, error: object) =>
        page.route('**/v1/jobs', (route, request) =>
          request.method() === 'POST' ? route.fulfill({ status, json: { error } }) : route.continue(),
        );
      await refuse(429, { code: 'queue_full', message: 'full' });
      await say(page, 'hello');
      await answers(page).getByText('The queue is full. Try again in a moment.').waitFor();
      await page.reload();
      await page.unroute('**/v1/jobs');
      await refuse(400, { code: 'invalid_value', message: 'The dialogue has 900 tokens, at most 512.' });
      await page.getByRole('button', { name: 'Try again' }).click();
      await answers(page).getByText('The dialogue has 900 tokens, at most 512.').waitFor();
      await page.unroute('**/v1/jobs');
      await page.getByRole('button', { name: 'Edit the message' }).click();
      expect(await message(page).inputValue()).toBe('hello');
      await say(page, 'hi');
      await answers(page).getByText('At last.').waitFor();
    });

    it('keeps a message while the server is away, and asks once for its answer', async () => {
      const model = chatty.answers({ script: ['Here again.'] });
      const page = await site.open();
      await message(page).waitFor();
      await site.stop();
      await say(page, 'are you there?');
      await page.getByRole('alert').getByText('The server does not answer').waitFor();
      await questions(page).getByText('are you there?').waitFor();
      await site.restart();
      await page.getByRole('alert').waitFor({ state: 'detached' });
      await page.getByRole('button', { name: 'Try again' }).click();
      await answers(page).getByText('Here again.').waitFor();
      expect(model.calls).toHaveLength(1);
    });

    it('exports one file that shows all by itself and runs nothing', async () => {
      chatty.answers({
        script: ['<img src=x onerror="document.title=1">', { start: 0 }, { finish: 0 }, '</style><script>'],
      });
      const page = await site.open();
      await say(page, '</title><script>document.title = "taken"</script> & "two" foxes');
      await answers(page).getByRole('link', { name: 'Picture 1' }).waitFor();
      await answered(page);
      const download = page.waitForEvent('download');
      await page.getByRole('button', { name: 'Export' }).click();
      const file = await download;
      expect(file.suggestedFilename()).toMatch(/^title-script-document[a-z-]*\.html$/);
      const html = await readFile(await file.path(), 'utf8');
      const alone = await page.context().newPage();
      const asked: string[] = [];
      alone.on('request', request => void (request.url().startsWith('data:') || asked.push(request.url())));
      await alone.setContent(html);
      await alone.getByText('document.title = "taken"</script> & "two" foxes').last().waitFor();
      await alone.getByText('<img src=x onerror="document.title=1">').waitFor();
      expect(await alone.title()).toMatch(/^<\/title><script>/);
      expect(
        await alone.locator('img').evaluateAll(all => all.map(image => (image as HTMLImageElement).naturalWidth)),
      ).toEqual([16]);
      expect(await alone.locator('script').count()).toBe(0);
      const paper = () => alone.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const light = await paper();
      await alone.emulateMedia({ colorScheme: 'dark' });
      expect(await paper()).not.toBe(light);
      expect(asked).toEqual([]);
    });

    it('copies the words of a message', async () => {
      chatty.answers({ script: foxes });
      const page = await site.open({ permissions: ['clipboard-read', 'clipboard-write'] });
      await say(page, 'foxes');
      await answered(page);
      await answers(page).getByRole('button', { name: 'Copy the words' }).click();
      await answers(page).getByRole('button', { name: 'Copied' }).waitFor();
      expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('Here is one: a fox. And another.');
    });

    it('met no error that was not staged', () => {
      const staged = /429|400|503|ERR_CONNECTION_REFUSED|ERR_INCOMPLETE|ERR_EMPTY/;
      expect(site.faults.filter(fault => !staged.test(fault))).toEqual([]);
      expect(site.foreignRequests).toEqual([]);
    });
  },
);

describe.skipIf(!chromiumPath)(
  'other models (needs Chromium: apt-get install chromium)',
  { timeout: testTimeout },
  () => {
    it('that see nothing are not given pictures, and say so', async () => {
      const site = await openSite(answering({ sees: false }).model);
      const page = await site.open();
      await page.getByText('It cannot be given pictures.').waitFor();
      expect(await page.getByRole('button', { name: 'Add pictures' }).count()).toBe(0);
      await give(page, 'paste', 'blue.png', (await plain('blue')).toString('base64'));
      await page.getByText('chatty cannot be given pictures.').waitFor();
      await say(page, 'two foxes');
      await answers(page).getByText('another.').waitFor();
      await say(page, 'and more');
      await answers(page).nth(1).getByText('another.').waitFor();
      await site.close();
    });

    it('that read only the last exchanges show from where', async () => {
      const site = await openSite(answering({ exchanges: 2, script: ['Yes.'] }).model);
      const page = await site.open();
      const line = page.getByText('chatty reads from here on: the last 2 exchanges');
      for (const [count, words] of ['one', 'two', 'three', 'four'].entries()) {
        await say(page, words);
        await answers(page).nth(count).getByText('Yes.').waitFor();
        await answered(page);
        expect(await line.count()).toBe(count < 2 ? 0 : 1);
      }
      await questions(page).filter({ hasText: 'three' }).filter({ has: line }).waitFor();
      await site.close();
    });

    it('that draw too have a tab for each, and pictures go from one to the other', async () => {
      const site = await openSite(answeringAndDrawing());
      const page = await site.open();
      await shownTab(page, 'Chat');
      await say(page, 'two foxes');
      await answers(page).getByText('another.').waitFor();
      await answered(page);
      await openTab(page, 'Draw');
      await draw(page, 'an apple');
      await status(page, 'succeeded');
      await page.goBack();
      await shownTab(page, 'Chat');
      await answers(page).getByText('another.').waitFor();
      await tiles(page, { name: /^an apple/ }).click();
      await viewer(page).getByRole('button', { name: 'Chat', exact: true }).click();
      await viewer(page).waitFor({ state: 'hidden' });
      await given(page).getByRole('img').waitFor();
      await tiles(page, { name: /^two foxes/ })
        .first()
        .click();
      await viewer(page).getByRole('button', { name: 'Describe' }).click();
      await shownTab(page, 'Describe');
      expect(site.faults).toEqual([]);
      await site.close();
    });
  },
);
