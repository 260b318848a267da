/**
 * Forms and what stands beside them, in headless Chromium with a model whose steps the tests allow: double presses, what
 * belongs to a former input, limits, copying, messages that stay in sight. Without Chromium all are skipped.
 */
import type { BrowserContextOptions, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type FakeModel, fakeModel } from '../../server/testing/fake-model.ts';
import {
  caption,
  draw,
  givePicture,
  openTab,
  result,
  run,
  runButton,
  sentPrompts,
  status,
  tiles,
  viewer,
} from './drive.ts';
import { chromiumPath, openSite, phone, type Site, testTimeout } from './open-page.ts';

let model: FakeModel;
let site: Site;
const opened: Page[] = [];

async function open(options?: BrowserContextOptions, path?: string): Promise<Page> {
  const page = await site.open(options, path);
  opened.push(page);
  return page;
}

/** A page whose clock stands still, so that presses are quick on any machine. */
async function openInOneMoment(options?: BrowserContextOptions): Promise<{ page: Page; prompts: string[]; now: Date }> {
  const page = await open(options);
  const now = new Date('2026-11-27T12:00:00Z');
  await page.clock.setFixedTime(now);
  return { page, prompts: sentPrompts(page), now };
}

const plain = (red: number, green: number, blue: number) =>
  sharp({ create: { width: 64, height: 64, channels: 3, background: { r: red, g: green, b: blue } } })
    .png()
    .toBuffer();

/** Whether the element is on the screen and nothing lies over its middle. */
const isInSight = (page: Page, selector: string) =>
  page.locator(selector).evaluate(element => {
    const box = element.getBoundingClientRect();
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
    return box.top >= 0 && box.bottom <= innerHeight && element.contains(document.elementFromPoint(x, y));
  });

describe.skipIf(!chromiumPath)('forms (needs Chromium: apt-get install chromium)', { timeout: testTimeout }, () => {
  beforeAll(async () => {
    model = fakeModel({ pace: 'stepwise' });
    site = await openSite(model);
  }, testTimeout);
  afterEach(() => Promise.all(opened.splice(0).map(page => page.context().close())));
  afterAll(() => site.close(), testTimeout);

  it('take a double click for one', async () => {
    const { page, prompts } = await openInOneMoment();
    await caption(page).fill('a double click');
    await runButton(page, 'Draw').dblclick();
    await status(page, 'running');
    await runButton(page, 'Draw another').click({ clickCount: 3 });
    await draw(page, 'the next');
    await expect.poll(() => prompts, { timeout: testTimeout }).toEqual(['a double click', 'the next']);
  });

  it('take Enter pressed twice for once, and later for once more', async () => {
    const { page, prompts, now } = await openInOneMoment();
    await caption(page).fill('two returns');
    for (let time = 0; time < 3; time++) await caption(page).press('Control+Enter');
    await status(page, 'running');
    await runButton(page, 'Draw another').focus();
    for (let time = 0; time < 3; time++) await page.keyboard.press('Enter');
    await page.clock.setFixedTime(now.getTime() + 1000);
    await page.keyboard.press('Enter');
    await expect.poll(() => prompts.length, { timeout: testTimeout }).toBe(2);
    await draw(page, 'the next');
    await expect.poll(() => prompts, { timeout: testTimeout }).toEqual(['two returns', 'two returns', 'the next']);
  });

  it('take a double tap for one', async () => {
    const { page, prompts } = await openInOneMoment(phone);
    await caption(page).fill('two taps');
    const button = runButton(page, 'Draw');
    await button.tap();
    await runButton(page, '').first().tap();
    await status(page, 'running');
    await draw(page, 'the next');
    await expect.poll(() => prompts, { timeout: testTimeout }).toEqual(['two taps', 'the next']);
  });

  it('are sent once, however long a slow server takes to answer', async () => {
    const { page, prompts, now } = await openInOneMoment();
    let answer: () => void = () => {};
    const allowed = new Promise<void>(resolve => {
      answer = resolve;
    });
    await page.route('**/v1/jobs', async route => {
      if (route.request().method() === 'POST') await allowed;
      await route.continue();
    });
    await draw(page, 'a slow server');
    await runButton(page, 'Sending').waitFor();
    await page.clock.setFixedTime(now.getTime() + 600_000);
    await runButton(page, 'Sending').click();
    await caption(page).press('Control+Enter');
    answer();
    await status(page, 'running');
    expect(prompts).toEqual(['a slow server']);
  });

  it('make one job where the answer to the first try was lost', async () => {
    const page = await open();
    await page.route(
      '**/v1/jobs',
      async route => {
        await route.fetch();
        await route.abort('connectionreset');
      },
      { times: 1 },
    );
    await draw(page, 'a lost answer');
    await page.getByRole('alert').waitFor();
    await page.getByRole('alert').waitFor({ state: 'detached' });
    await page.clock.setFixedTime(Date.now() + 10_000);
    await run(page, 'Draw');
    await status(page, 'running');
    const { jobs } = (await (await fetch(`${site.origin}/v1/jobs`)).json()) as {
      jobs: { request: { prompt: string } }[];
    };
    expect(jobs.filter(({ request }) => request.prompt === 'a lost answer').length).toBe(1);
  });

  it('take a double click in the viewer for one, and never for a deletion', async () => {
    model.advance();
    const { page, prompts } = await openInOneMoment();
    await draw(page, 'a blue bird');
    await status(page, 'succeeded');
    await page.clock.setFixedTime(Date.now() + 10_000);
    const bird = tiles(page, { name: /^a blue bird/ });
    await bird.first().click();
    await viewer(page).getByRole('button', { name: 'Delete' }).dblclick();
    await viewer(page).getByRole('button', { name: 'Delete' }).waitFor();
    await viewer(page).getByRole('button', { name: 'Delete' }).press('Enter');
    await page.keyboard.press('Enter');
    await viewer(page).getByRole('button', { name: 'Delete' }).waitFor();
    await viewer(page).getByRole('button', { name: 'With another seed' }).dblclick();
    await expect.poll(() => bird.count(), { timeout: testTimeout }).toBe(2);
    await draw(page, 'the next');
    await expect.poll(() => prompts, { timeout: testTimeout }).toEqual(['a blue bird', 'a blue bird', 'the next']);
  });

  it('take no second click through a viewer that the first one closed', async () => {
    model.advance();
    const page = await open();
    await draw(page, 'a green bird');
    await status(page, 'succeeded');
    const tile = tiles(page, { name: /^a green bird/ }).first();
    await tile.click();
    await viewer(page).getByRole('button', { name: 'Edit settings' }).click();
    await viewer(page).waitFor({ state: 'hidden' });
    await tile.scrollIntoViewIfNeeded();
    const { x, y, width, height } = (await tile.boundingBox())!;
    await page.mouse.move(x + width / 2, y + height / 2);
    const click = async (clickCount: number) => {
      await page.mouse.down({ clickCount });
      await page.mouse.up({ clickCount });
    };
    await click(2);
    await page.evaluate(() => new Promise(requestAnimationFrame));
    expect(await viewer(page).count()).toBe(0);
    await click(1);
    await viewer(page).waitFor();
  });

  it('take as much as the server does', async () => {
    const page = await open();
    const limits = (
      (await (await fetch(`${site.origin}/v1/capabilities`)).json()) as { limits: { n: number; steps: number } }
    ).limits;
    expect(limits.n).toBeGreaterThan(10);
    await page.locator('.settings summary').click();
    const steps = page.getByLabel('Steps, as a number');
    await steps.fill(String(limits.steps + 1));
    await steps.blur();
    expect(await steps.inputValue()).toBe(String(limits.steps));
    await draw(page, 'w'.repeat(1000), limits.n);
    await status(page, 'succeeded');
    expect(await result(page).getByRole('link').count()).toBe(limits.n);
    await page.getByRole('button', { name: 'Use via API' }).click();
    const code = await page.getByLabel('curl code').inputValue();
    expect(code).toContain(`"n": ${limits.n}`);
    const [, body = ''] = /-d '(\{.*?\n\})'/s.exec(code) ?? [];
    const headers = { 'content-type': 'application/json' };
    expect((await fetch(`${site.origin}/v1/jobs`, { method: 'POST', headers, body })).status).toBe(202);
  });

  it.each(['Describe', 'Vary & Mix', 'Inpaint'] as const)(
    '%s: what was said of a former picture goes with it',
    async tab => {
      const page = await open({}, tab === 'Vary & Mix' ? '/vary' : `/${tab.toLowerCase()}`);
      const verb = { Describe: 'Describe', 'Vary & Mix': 'Vary', Inpaint: 'Paint' }[tab];
      const give = async (name: string, png: Buffer) => {
        if (tab === 'Inpaint' && (await page.getByLabel('Remove picture').count()) > 0) {
          await page.getByLabel('Remove picture').click();
        }
        await givePicture(page, name, png);
        await page.getByRole('img', { name }).waitFor();
        if (tab === 'Inpaint') await page.getByRole('button', { name: 'top', exact: true }).click();
      };
      const [green, yellow] = [await plain(40, 160, 60), await plain(250, 220, 40)];
      const made = result(page).locator('.captions li, .tile');
      await give('green.png', green);
      await run(page, verb);
      await status(page, 'succeeded');
      await made.first().waitFor();
      await give('yellow.png', yellow);
      await result(page)
        .getByRole('heading', { name: /appears here$/ })
        .waitFor();
      expect(await made.count()).toBe(0);
      await give('green.png', green);
      await made.first().waitFor();
    },
  );

  it('say what a result was made from, where other words stand beside it', async () => {
    const page = await open();
    await draw(page, 'a green tree');
    await status(page, 'succeeded');
    const former = result(page).getByText('An earlier result: drawing, “a green tree”');
    expect(await former.count()).toBe(0);
    await caption(page).fill('a green car');
    await former.waitFor();
    await caption(page).fill('a green tree');
    await former.waitFor({ state: 'detached' });
    await openTab(page, 'Imagine');
    await run(page, 'Imagine');
    await status(page, 'succeeded');
    await page.getByText('Caption', { exact: true }).click();
    await result(page).getByText('An earlier result: pair').waitFor();
  });

  it.each([
    ['red', 255, 0, 0],
    ['coral', 240, 98, 77],
    ['white', 255, 255, 255],
    ['black', 0, 0, 0],
    ['grey', 128, 128, 128],
    ['blue', 30, 60, 220],
  ] as const)('show a mask on a %s picture', async (_, red, green, blue) => {
    const page = await open({ viewport: { width: 1280, height: 1200 } }, '/inpaint');
    await givePicture(page, 'plain.png', await plain(red, green, blue));
    await page.getByRole('button', { name: 'left', exact: true }).click();
    const { data, info } = await sharp(await page.locator('.painter-board').screenshot())
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const luminances = (from: number, to: number) =>
      Array.from({ length: Math.floor((to - from) * info.width) }, (__, step) => {
        const at = (Math.floor(info.height / 2) * info.width + Math.floor(from * info.width) + step) * 3;
        const [r = 0, g = 0, b = 0] = [...data.subarray(at, at + 3)].map(value => (value / 255) ** 2.2);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      });
    const contrast = (values: number[]) => (Math.max(...values) + 0.05) / (Math.min(...values) + 0.05);
    expect(contrast(luminances(0.1, 0.4))).toBeGreaterThan(3); // the least that WCAG asks of graphics
    expect(contrast(luminances(0.6, 0.9))).toBeLessThan(1.05);
  });

  it('copy their program over plain http too, where browsers give pages no clipboard', async () => {
    const page = await open({}, `${site.lanOrigin}/draw`);
    expect(await page.evaluate(() => [isSecureContext, typeof navigator.clipboard])).toEqual([false, 'undefined']);
    await draw(page, 'a lamp in the hall');
    await status(page, 'succeeded');
    await page.getByRole('button', { name: 'Use via API' }).click();
    const code = await page.getByLabel('curl code').inputValue();
    await viewer(page).getByRole('button', { name: 'Copy' }).click();
    await viewer(page).getByRole('button', { name: 'Copied' }).waitFor();
    await page.keyboard.press('Escape');
    await caption(page).fill('');
    await caption(page).press('Control+V');
    expect(await caption(page).inputValue()).toBe(code);
  });

  it('say so where nothing can be copied, and leave the code selected', async () => {
    const page = await open();
    await page.evaluate(() => {
      navigator.clipboard.writeText = () => Promise.reject(new DOMException('denied', 'NotAllowedError'));
      document.execCommand = () => false;
    });
    await page.getByRole('button', { name: 'Use via API' }).click();
    await viewer(page).getByRole('button', { name: 'Copy' }).click();
    await viewer(page).getByText('The code is selected').waitFor();
    const selected = await page.getByLabel('curl code').evaluate(element => {
      const { value, selectionStart, selectionEnd } = element as HTMLTextAreaElement;
      return value.length > 0 && selectionStart === 0 && selectionEnd === value.length;
    });
    expect(selected).toBe(true);
  });

  it.each([
    ['desktop', {}],
    ['phone', phone],
  ] as const)('say in sight that the server is away, however far the page is scrolled: %s', async (_, options) => {
    const page = await open(options);
    await draw(page, 'before the storm');
    await status(page, 'succeeded');
    await tiles(page).last().waitFor();
    await page.context().setOffline(true);
    await caption(page).fill('in the storm');
    await run(page, 'Draw');
    await page.locator('.fault').waitFor();
    await page.evaluate(() => scrollTo({ top: document.body.scrollHeight, behavior: 'instant' }));
    expect(await page.evaluate(() => scrollY)).toBeGreaterThan(100);
    expect(await isInSight(page, '.fault')).toBe(true);
  });

  it('say in the viewer too that the server is away', async () => {
    const page = await open();
    await tiles(page).first().click();
    await viewer(page).waitFor();
    await page.context().setOffline(true);
    await viewer(page).getByRole('button', { name: 'Delete' }).click();
    await viewer(page)
      .getByRole('button', { name: /delete/ })
      .click();
    await viewer(page).getByText('The server does not answer').waitFor();
    expect(await isInSight(page, 'dialog .fault')).toBe(true);
    await page.context().setOffline(false);
    await viewer(page).getByText('The server does not answer').waitFor({ state: 'detached' });
  });

  it('say in sight what is missing, on a phone with a long form', async () => {
    const page = await open({ ...phone, viewport: { width: 360, height: 600 } }, '/inpaint');
    await givePicture(page, 'plain.png', await plain(9, 9, 9));
    await page.getByRole('application').waitFor();
    await page.evaluate(() => scrollTo({ top: 0, behavior: 'instant' }));
    await run(page, 'Paint');
    await page.getByText('Paint over what should change first').waitFor();
    expect(await isInSight(page, '.field-fault')).toBe(true);
  });

  it('asked nobody but this server', () => {
    expect(site.foreignRequests).toEqual([]);
  });
});
