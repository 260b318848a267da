/**
 * Conversations on the page, in headless Chromium with a model that answers line by line as the tests allow. Without Chromium
 * all are skipped.
 */
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { foxes } from '../../server/testing/fake-chat-model.ts';
import { type Answering, answering } from './answering.ts';
import { answered, answers, message, questions, say, tiles, viewer } from './drive.ts';
import { chromiumPath, openSite, phone, type Site, testTimeout } from './open-page.ts';

const examples = ['show me two foxes', 'tell me a story'];
let chatty: Answering;
let site: Site;

const bubble = (page: Page, place: number) => answers(page).nth(place).locator('.bubble');
const stop = (page: Page) => page.getByRole('button', { name: 'Stop the answer' });
const said = (words: string) => ({ script: [words] });
const faultsFoundByAxe = async (page: Page) =>
  (await new AxeBuilder({ page }).analyze()).violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`,
  );

describe.skipIf(!chromiumPath)(
  'the Chat tab (needs Chromium: apt-get install chromium)',
  { timeout: testTimeout },
  () => {
    beforeAll(async () => {
      chatty = answering({ examples });
      site = await openSite(chatty.model);
    }, testTimeout);
    afterEach(() => site.closePages());
    afterAll(() => site.close(), testTimeout);

    it('is the whole page of a model that only converses', async () => {
      const page = await site.open();
      await page.getByRole('heading', { level: 1, name: 'Talk in words and pictures' }).waitFor();
      expect(await page.getByRole('tab').count()).toBe(0);
      await page.waitForURL(`${site.origin}/chat`);
      await expect.poll(() => page.title(), { timeout: testTimeout }).toBe('Chat – Duet');
      const links = page.getByRole('list', { name: 'Examples' }).getByRole('button');
      expect(await links.allTextContents()).toEqual(examples);
    });

    it('streams words and pictures to where they belong, and keeps them over a reload', async () => {
      const model = chatty.answers({ pace: 'stepwise', script: foxes });
      const page = await site.open();
      await page.getByRole('button', { name: 'show me two foxes' }).click();
      await questions(page).getByText('show me two foxes').waitFor();
      model.advance(1);
      await bubble(page, 0).getByText('Here', { exact: true }).waitFor();
      model.advance(2);
      await bubble(page, 0).getByText('Here is one:').waitFor();
      await bubble(page, 0).getByRole('img', { name: 'Picture 1, not begun' }).waitFor();
      model.advance(2);
      await bubble(page, 0).getByText('a fox.').waitFor();
      await bubble(page, 0).getByRole('img', { name: 'Picture 1 so far' }).waitFor();
      model.advance(1);
      await bubble(page, 0).getByRole('link', { name: 'Picture 1', exact: true }).waitFor();
      model.advance();
      await answered(page);
      const content = async () =>
        bubble(page, 0).evaluate(element =>
          [...element.querySelectorAll('p, img')].map(found => found.textContent || found.getAttribute('alt')),
        );
      const whole = ['Here is one:', 'Picture 1', 'a fox. And', 'Picture 2', 'another.'];
      expect(await content()).toEqual(whole);
      expect(model.calls[0]!.messages).toEqual([
        { role: 'user', content: [{ type: 'text', text: 'show me two foxes' }] },
      ]);
      await page.reload();
      await answers(page).first().waitFor();
      expect(await content()).toEqual(whole);
      expect(await tiles(page).count()).toBe(2);
    });

    it('opens its pictures in the viewer, from which Back and a button lead to the conversation', async () => {
      chatty.answers({ script: foxes });
      const page = await site.open();
      await say(page, 'two more foxes');
      await answered(page);
      await bubble(page, 0).getByRole('link', { name: 'Picture 2' }).click();
      await viewer(page).getByText('two more foxes').waitFor();
      await page.goBack();
      await viewer(page).waitFor({ state: 'hidden' });
      await page.waitForURL(`${site.origin}/chat`);
      const address = await tiles(page).first().getAttribute('href');
      const other = await site.open({}, `/#job/${address!.split('/')[3]}`);
      await viewer(other).getByRole('button', { name: 'Show the conversation' }).click();
      await questions(other).getByText('two more foxes').waitFor();
      expect(await bubble(other, 0).getByRole('link').count()).toBe(2);
      await other.getByRole('button', { name: 'Answer anew' }).click();
      await answers(other).getByText('2 / 2').waitFor();
    });

    it('goes on with an answer that was under way when the page was loaded again', async () => {
      const model = chatty.answers({ pace: 'stepwise', script: foxes });
      const page = await site.open();
      model.advance(3);
      await say(page, 'foxes');
      await bubble(page, 0).getByText('Here is one:').waitFor();
      await page.reload();
      await bubble(page, 0).getByText('Here is one:').waitFor();
      await stop(page).waitFor();
      model.advance();
      await answered(page);
      await bubble(page, 0).getByText('another.').waitFor();
      expect(model.calls).toHaveLength(1);
    });

    it('keeps what was written and drawn of an answer that is stopped', async () => {
      const model = chatty.answers({
        pace: 'stepwise',
        script: [...foxes.slice(0, 6), { start: 1 }, { preview: 1 }, 'end'],
      });
      const page = await site.open();
      await say(page, 'foxes');
      model.advance(8);
      await bubble(page, 0).getByRole('img', { name: 'Picture 2 so far' }).waitFor();
      await page.keyboard.press('Escape');
      await bubble(page, 0).getByText('Stopped').waitFor();
      const kept = async () => [
        await bubble(page, 0).getByText('a fox.').count(),
        await bubble(page, 0).getByRole('link', { name: 'Picture 1', exact: true }).count(),
        await bubble(page, 0).getByRole('link', { name: 'Picture 2, unfinished. Download' }).count(),
      ];
      expect(await kept()).toEqual([1, 1, 1]);
      expect(await message(page).evaluate(element => element === document.activeElement)).toBe(true);
      await page.reload();
      await bubble(page, 0).getByText('Stopped').waitFor();
      expect(await kept()).toEqual([1, 1, 1]);
      const next = chatty.answers(said('Go on.'));
      await say(page, 'go on');
      await bubble(page, 1).getByText('Go on.').waitFor();
      expect(next.calls[0]!.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
    });

    it('sends an edited message in the place of the former one, with a way back', async () => {
      const page = await site.open();
      for (const words of ['one', 'two']) {
        chatty.answers(said(`answer to ${words}`));
        await say(page, words);
        await answers(page).getByText(`answer to ${words}`).waitFor();
        await answered(page);
      }
      await message(page).fill('half a thought');
      await questions(page).first().hover();
      await questions(page).first().getByRole('button', { name: 'Edit and send again' }).click();
      expect(await message(page).inputValue()).toBe('one');
      await page.keyboard.press('Escape');
      expect(await message(page).inputValue()).toBe('half a thought');
      await questions(page).first().getByRole('button', { name: 'Edit and send again' }).click();
      const model = chatty.answers(said('answer to three'));
      await say(page, 'three');
      await answers(page).getByText('answer to three').waitFor();
      await answered(page);
      expect(await questions(page).locator('.said').allTextContents()).toEqual(['three']);
      expect(model.calls[0]!.messages).toHaveLength(1);
      expect(await message(page).inputValue()).toBe('half a thought');
      await questions(page).getByRole('button', { name: 'Version before' }).click();
      await answers(page).getByText('answer to two').waitFor();
      expect(await questions(page).locator('.said').allTextContents()).toEqual(['one', 'two']);
    });

    it('answers anew beside the former answer', async () => {
      chatty.answers(said('the first try'));
      const page = await site.open();
      await say(page, 'try');
      await answered(page);
      const model = chatty.answers(said('the second try'));
      await page.getByRole('button', { name: 'Answer anew' }).click();
      await answers(page).getByText('the second try').waitFor();
      await answered(page);
      expect(model.calls[0]!.messages).toHaveLength(1);
      await answers(page).getByRole('button', { name: 'Version before' }).click();
      await answers(page).getByText('the first try').waitFor();
    });

    it('takes a double click for one, which does not stop what it began', async () => {
      const model = chatty.answers({ pace: 'stepwise', script: ['Both clicks ', 'were one.'] });
      const page = await site.open();
      await page.clock.setFixedTime(new Date('2026-11-28T12:00:00Z'));
      await message(page).fill('click');
      await page.getByRole('button', { name: 'Send', exact: true }).dblclick();
      model.advance(1);
      await answers(page).getByText('Both clicks').waitFor();
      model.advance();
      await answers(page).getByText('Both clicks were one.').waitFor();
      expect(model.calls).toHaveLength(1);
    });

    it('has conversations beside each other, which can be deleted', async () => {
      const page = await site.open();
      const list = page.getByRole('region', { name: 'Conversations' });
      for (const words of ['about foxes', 'about cats']) {
        chatty.answers(said(`I know all ${words}.`));
        await say(page, words);
        await answers(page).getByText(`I know all ${words}.`).waitFor();
        await answered(page);
        await page.getByRole('button', { name: 'New conversation' }).click();
        await page.getByRole('heading', { level: 1, name: 'Talk in words and pictures' }).waitFor();
      }
      await list.getByRole('button', { name: 'about foxes', exact: true }).click();
      await answers(page).getByText('I know all about foxes.').waitFor();
      await page.reload();
      await answers(page).getByText('I know all about foxes.').waitFor();
      await list.getByRole('button', { name: 'Delete “about foxes”' }).click();
      await list.getByRole('button', { name: 'Delete', exact: true }).click();
      await answers(page).waitFor({ state: 'detached' });
      expect(await list.locator('.conversation').allTextContents()).toEqual(['about cats']);
    });

    it('sends the settings that were made', async () => {
      const model = chatty.answers(said('done'));
      const page = await site.open();
      await page.locator('.settings summary').click();
      await page.getByLabel('Seed', { exact: true }).fill('7');
      await page.getByLabel('Temperature, as a number').fill('0.25');
      await page.getByLabel('Stop', { exact: true }).fill('END\nSTOP');
      await page.getByLabel('Pictures', { exact: true }).selectOption('never');
      await say(page, 'with settings');
      await answers(page).getByText('done').waitFor();
      expect(model.calls[0]!.options).toMatchObject({
        seed: 7,
        temperature: 0.25,
        stop: ['END', 'STOP'],
        draw: 'never',
      });
      expect(model.calls[0]!.options).not.toHaveProperty('topK');
      await answered(page);
      await page.getByRole('button', { name: 'Use via API' }).click();
      const code = await page.getByLabel('curl code').inputValue();
      expect(code).toContain('"temperature": 0.25');
      expect(code).toContain('"content": "with settings"');
      await page.keyboard.press('Escape');
      await page.waitForURL(`${site.origin}/chat`);
    });

    it('writes lines by Shift with Enter, and tells each sentence of an answer once', async () => {
      const script = ['One sen', 'tence. Another ', 'one. ', { start: 0 }, 'And the', { finish: 0 }, ' end.'];
      const model = chatty.answers({ pace: 'stepwise', script });
      const page = await site.open();
      await message(page).fill('first');
      await message(page).press('Shift+Enter');
      await message(page).pressSequentially('second');
      await message(page).press('Enter');
      expect(await message(page).inputValue()).toBe('');
      const log = page.getByRole('log', { name: 'Answer' });
      await page.evaluate(() => {
        const told: string[] = [];
        Object.assign(window, { told });
        const look = new MutationObserver(changes => {
          for (const { addedNodes } of changes) for (const node of addedNodes) told.push(node.textContent ?? '');
        });
        look.observe(document.querySelector('[role=log]')!, { childList: true, subtree: true, characterData: true });
      });
      for (let line = 0; line < script.length; line++) model.advance(1);
      await answered(page);
      await log.getByText('And the end.').waitFor();
      const told = await page.evaluate(() => (window as unknown as { told: string[] }).told);
      expect([...told].sort()).toEqual(['And the end.', 'Another one.', 'One sentence.', 'Picture 1 is there.']);
      expect(model.calls[0]!.messages[0]!.content).toEqual([{ type: 'text', text: 'first\nsecond' }]);
    });

    it.each([
      ['light', {}],
      ['dark', { colorScheme: 'dark' }],
      ['light on a phone', phone],
      ['dark on a small phone', { ...phone, viewport: { width: 320, height: 600 }, colorScheme: 'dark' }],
    ] as const)('has no fault that axe finds, and fits: %s', async (_, options) => {
      const page = await site.open({ ...options, reducedMotion: 'reduce' });
      // A phone's browser widens the page to what overhangs, but not its screen.
      const overhang = () => page.evaluate(() => document.documentElement.scrollWidth - screen.width);
      await page.getByRole('button', { name: 'tell me a story' }).waitFor();
      expect(await faultsFoundByAxe(page)).toEqual([]);
      const model = chatty.answers({ pace: 'stepwise', script: foxes });
      await say(page, 'w'.repeat(200));
      model.advance(5);
      await bubble(page, 0).getByRole('img', { name: 'Picture 1 so far' }).waitFor();
      expect(await faultsFoundByAxe(page)).toEqual([]);
      model.advance();
      await answered(page);
      expect(await bubble(page, 0).textContent()).toContain('another.');
      await page.locator('.settings summary').click();
      await questions(page).getByRole('button', { name: 'Edit and send again' }).click();
      expect(await faultsFoundByAxe(page)).toEqual([]);
      expect(await overhang()).toBeLessThanOrEqual(0);
      const boxes = await bubble(page, 0)
        .locator('.answer-picture')
        .evaluateAll(pictures => pictures.map(picture => picture.getBoundingClientRect().toJSON() as DOMRect));
      expect(boxes).toHaveLength(2);
      const [first, second] = boxes;
      expect(second!.x >= first!.right || second!.y >= first!.bottom).toBe(true);
    });

    it('met no error, and asked nobody but this server', () => {
      expect(site.faults).toEqual([]);
      expect(site.foreignRequests).toEqual([]);
    });
  },
);
