/**
 * The page in headless Chromium, on the real server with the embedded model: every tab does its job. With PAGE_SHOTS set
 * to a folder, screenshots are left there to be looked at. Without Chromium (Debian: apt-get install chromium) all are
 * skipped.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath, openSite, phone, type Site } from './open-page.ts';

const shots = process.env['PAGE_SHOTS'];
const patience = 300_000;
let site: Site;
/** For files that are dragged in. */
let folder: string;

/** Few steps: these tests look at the page, not at the pictures. */
async function hurry(page: Page, steps = 2): Promise<void> {
  await page.locator('.settings summary').click();
  await page.getByLabel('Steps').fill(String(steps));
  await page.locator('.settings summary').click();
}

async function setCount(page: Page, label: string, count: number): Promise<void> {
  await page.getByLabel(label, { exact: true }).fill(String(count));
  await page.getByLabel(label, { exact: true }).blur();
}

const run = (page: Page, verb: string) => page.getByRole('button', { name: new RegExp(`^${verb}\\b`) }).click();
const result = (page: Page) => page.getByRole('region', { name: 'Result' });
const finished = (page: Page) => page.locator('.status.is-succeeded').waitFor({ timeout: patience });
const shoot = async (page: Page, name: string) => {
  if (shots) await page.screenshot({ path: join(shots, `${name}.png`) });
};

function paintedPixels(page: Page): Promise<number> {
  return page.locator('.painter canvas').evaluate(element => {
    const canvas = element as HTMLCanvasElement;
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    return data.filter((value, index) => index % 4 === 3 && value > 0).length;
  });
}

/** The page with the viewer open on an apple of the gallery. */
async function openApple(): Promise<Page> {
  const page = await site.open();
  await page
    .getByRole('region', { name: 'Gallery' })
    .getByRole('link', { name: /an apple/ })
    .first()
    .click();
  return page;
}

/** The bytes of the gallery's first picture. */
async function latestPicture(page: Page): Promise<Buffer> {
  const link = page.getByRole('region', { name: 'Gallery' }).getByRole('link').first();
  const address = new URL((await link.getAttribute('href'))!, site.origin);
  return Buffer.from(await (await fetch(address)).arrayBuffer());
}

/** A file dragged in from outside the browser, as the browser itself sees it. */
async function dropFile(page: Page, path: string, bytes: Buffer, target: string): Promise<void> {
  await writeFile(path, bytes);
  await page.locator(target).scrollIntoViewIfNeeded();
  const box = (await page.locator(target).boundingBox())!;
  const place = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  const data = { items: [], files: [path], dragOperationsMask: 1 };
  const devtools = await page.context().newCDPSession(page);
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await devtools.send('Input.dispatchDragEvent', { type, ...place, data });
  }
}

/** Serious and critical faults, as axe finds them. */
async function faultsFoundByAxe(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

describe.skipIf(!chromiumPath)('the page (needs Chromium: apt-get install chromium)', { timeout: patience }, () => {
  beforeAll(async () => {
    if (shots) await mkdir(shots, { recursive: true });
    folder = await mkdtemp(join(tmpdir(), 'duet-dragged-'));
    site = await openSite();
  }, patience);
  afterAll(async () => {
    await site.close();
    await rm(folder, { recursive: true });
  }, patience);

  it('draws an example, with previews on the way', async () => {
    const page = await site.open();
    await page.getByRole('button', { name: 'an apple', exact: true }).click();
    expect(await page.getByLabel('Caption').inputValue()).toBe('an apple');
    await hurry(page, 60); // long enough for a preview to be seen
    await setCount(page, 'Pictures', 2);
    await run(page, 'Draw');
    await result(page).getByRole('img', { name: 'Picture 1 so far' }).waitFor({ timeout: patience });
    await finished(page);
    expect(
      await result(page)
        .getByRole('img', { name: /an apple, seed \d+/ })
        .count(),
    ).toBe(2);
    await shoot(page, 'draw');
    await page.context().close();
  });

  it('keeps the gallery over a reload, with parameters, "again" and "with another seed"', async () => {
    const page = await site.open();
    const gallery = page.getByRole('region', { name: 'Gallery' });
    const pictures = gallery.getByRole('link', { name: /an apple/ });
    await pictures.first().waitFor();
    await page.reload();
    await pictures.first().waitFor();
    expect(await pictures.count()).toBe(2);
    await pictures.first().click();
    const viewer = page.getByRole('dialog');
    const seed = Number(await viewer.locator('dt:text-is("Seed") + dd').textContent());
    expect(await viewer.locator('dt:text-is("Steps") + dd').textContent()).toBe('60');
    await shoot(page, 'viewer');
    await viewer.getByRole('button', { name: 'Again' }).click();
    await finished(page);
    expect(
      await result(page)
        .getByRole('img', { name: `an apple, seed ${seed}` })
        .count(),
    ).toBe(1);
    await pictures.first().click();
    await viewer.getByRole('button', { name: 'With another seed' }).click();
    await result(page)
      .getByRole('img', { name: new RegExp(`an apple, seed (?!${seed}\\b)\\d+`) })
      .first()
      .waitFor({ timeout: patience });
    await page.context().close();
  });

  it('restores settings from inside a picture', async () => {
    const page = await site.open({}, '#imagine');
    const link = page.getByRole('region', { name: 'Gallery' }).getByRole('link').last();
    const address = await link.getAttribute('href');
    const bytes = await (await fetch(new URL(address!, site.origin))).arrayBuffer();
    const chooser = page.waitForEvent('filechooser');
    await page.getByRole('button', { name: 'Settings from a picture' }).click();
    await (await chooser).setFiles({ name: 'made.png', mimeType: 'image/png', buffer: Buffer.from(bytes) });
    await page.getByRole('heading', { name: 'Write it, and it is drawn' }).waitFor();
    expect(await page.getByLabel('Caption').inputValue()).toBe('an apple');
    expect(await page.locator('.settings-summary').textContent()).toMatch(/seed \d+ · 60 steps/);
    await page.context().close();
  });

  it('restores the settings of a gallery picture that is dragged onto the page', async () => {
    const page = await site.open({ viewport: { width: 1280, height: 1400 } }, '#imagine');
    const picture = page.getByRole('region', { name: 'Gallery' }).getByRole('link', { name: /an apple/ });
    await picture.last().dragTo(page.getByRole('heading', { level: 1 }));
    await page.getByRole('heading', { name: 'Write it, and it is drawn' }).waitFor();
    expect(await page.getByLabel('Caption').inputValue()).toBe('an apple');
    expect(await page.locator('.settings-summary').textContent()).toMatch(/seed \d+ · 60 steps/);
    await page.locator('.veil').waitFor({ state: 'detached' });
    await page.context().close();
  });

  it('describes a picture that is dropped, with alternatives', async () => {
    const page = await site.open({}, '#describe');
    await dropFile(page, join(folder, 'dropped.png'), await latestPicture(page), '.picture-input');
    await page.getByRole('img', { name: 'Picture: dropped.png' }).waitFor();
    await hurry(page);
    await setCount(page, 'Alternatives', 3);
    await run(page, 'Describe');
    await finished(page);
    const captions = result(page).getByRole('listitem');
    expect(await captions.count()).toBeGreaterThan(0);
    await shoot(page, 'describe');
    const caption = await captions.first().locator('.caption').textContent();
    await captions
      .first()
      .getByRole('button', { name: /^Draw this/ })
      .click();
    expect(await page.getByLabel('Caption').inputValue()).toBe(caption);
    await page.context().close();
  });

  it('takes a picture that is pasted', async () => {
    const page = await site.open({ permissions: ['clipboard-read', 'clipboard-write'] }, '#describe');
    const bytes = await latestPicture(page);
    await page.evaluate(async base64 => {
      const data = Uint8Array.from(atob(base64), letter => letter.charCodeAt(0));
      const blob = new Blob([data], { type: 'image/png' });
      await navigator.clipboard.write([new ClipboardItem({ 'image/png': blob })]);
    }, bytes.toString('base64'));
    await page.keyboard.press('Control+V');
    await page
      .locator('.picture-input')
      .getByRole('img', { name: /^Picture: / })
      .waitFor();
    await page.context().close();
  });

  it('imagines pairs', async () => {
    const page = await site.open({}, '#imagine');
    await hurry(page);
    await setCount(page, 'How many', 3);
    await run(page, 'Imagine');
    await finished(page);
    expect(await result(page).getByRole('listitem').count()).toBe(3);
    expect(await result(page).locator('.plate .caption').count()).toBe(3);
    await shoot(page, 'imagine');
    await page.context().close();
  });

  it('varies a picture of the gallery', async () => {
    const page = await openApple();
    await page.getByRole('dialog').getByRole('button', { name: 'Vary' }).click();
    await hurry(page);
    await setCount(page, 'Variations', 1);
    await run(page, 'Vary');
    await finished(page);
    expect(await result(page).getByRole('img').count()).toBe(1);
    await page.context().close();
  });

  it('mixes two captions, with a slider over the frames', async () => {
    const page = await site.open({}, '#vary');
    await page.getByText('Mix two').click();
    await page.getByRole('button', { name: /→/ }).click();
    await hurry(page);
    await setCount(page, 'Frames', 3);
    await run(page, 'Mix');
    await finished(page);
    const frame = page.getByRole('slider', { name: 'Frame' });
    await frame.focus();
    await frame.press('ArrowRight');
    await frame.press('ArrowRight');
    await result(page).getByRole('img', { name: 'Frame 3 of 3' }).waitFor();
    await shoot(page, 'mix');
    await page.context().close();
  });

  it('paints over a part, by pointer and by keyboard', async () => {
    const page = await openApple();
    await page.getByRole('dialog').getByRole('button', { name: 'Paint over' }).click();
    const board = page.getByRole('application');
    await run(page, 'Paint');
    await page.getByText('Paint over what should change first').waitFor();
    await board.evaluate(element => element.scrollIntoView({ block: 'center' }));
    const box = (await board.boundingBox())!;
    await page.mouse.move(box.x + box.width * 0.3, box.y + box.height * 0.3);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.6, box.y + box.height * 0.4, { steps: 4 });
    await page.mouse.up();
    const stroked = await paintedPixels(page);
    expect(stroked).toBeGreaterThan(200);
    for (let time = 0; time < 8; time++) await board.press('ArrowDown');
    await board.press(' ');
    expect(await paintedPixels(page)).toBeGreaterThan(stroked);
    await hurry(page);
    await setCount(page, 'Pictures', 1);
    await run(page, 'Paint');
    await finished(page);
    expect(await result(page).getByRole('img').count()).toBe(1);
    await shoot(page, 'inpaint');
    await page.context().close();
  });

  it('cancels', async () => {
    const page = await site.open();
    await page.getByLabel('Caption').fill('two red hearts');
    await hurry(page, 60);
    await setCount(page, 'Pictures', 10);
    await page.getByLabel('Caption').press('Control+Enter');
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.locator('.status.is-cancelled').waitFor({ timeout: patience });
    await page.context().close();
  });

  it('says what the form is as a program', async () => {
    const page = await site.open();
    await page.getByLabel('Caption').fill('two red hearts');
    await page.getByRole('button', { name: 'Use via API' }).click();
    await page.getByText('Python', { exact: true }).click();
    const code = await page.getByLabel('Python code').inputValue();
    expect(code).toContain('prompt="two red hearts"');
    expect(code).toContain(`base_url="${site.origin}/v1"`);
    await shoot(page, 'code');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await page.context().close();
  });

  it('can be used by keyboard alone', async () => {
    const page = await site.open();
    await page.getByRole('tab', { name: 'Draw' }).focus();
    await page.keyboard.press('ArrowRight');
    await page.getByRole('tab', { name: 'Describe', selected: true }).waitFor();
    await page.keyboard.press('End');
    await page.getByRole('tab', { name: 'Inpaint', selected: true }).waitFor();
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('tab-inpaint');
    await page.context().close();
  });

  it.each([
    ['light', ['Draw', 'Describe', 'Imagine', 'Vary & Mix', 'Inpaint']],
    ['dark', ['Draw', 'Describe']],
  ] as const)('has no serious fault that axe finds, in %s colours', async (colorScheme, tabs) => {
    const page = await site.open({ colorScheme });
    await page.getByRole('button', { name: 'an apple', exact: true }).waitFor();
    for (const tab of tabs) {
      await page.getByRole('tab', { name: tab }).click();
      expect(await faultsFoundByAxe(page), tab).toEqual([]);
    }
    await shoot(page, `${colorScheme}-inpaint`);
    await page.getByRole('region', { name: 'Gallery' }).getByRole('link').first().click();
    expect(await faultsFoundByAxe(page), 'viewer').toEqual([]);
    await shoot(page, `${colorScheme}-viewer`);
    await page.context().close();
  });

  it('fits a small phone, where what runs a form stays in reach above the tabs', async () => {
    const page = await site.open({ ...phone, viewport: { width: 360, height: 600 } });
    for (const tab of ['Draw', 'Describe', 'Imagine', 'Vary & Mix', 'Inpaint']) {
      await page.getByRole('tab', { name: tab }).click();
      const overhang = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(overhang, tab).toBeLessThanOrEqual(0);
      const primary = await page.locator('.run-row .primary').boundingBox();
      const bar = await page.getByRole('tablist').boundingBox();
      expect(primary!.y + primary!.height, tab).toBeLessThanOrEqual(bar!.y);
      await shoot(page, `phone-${tab.slice(0, 4).toLowerCase()}`);
    }
    await page.context().close();
  });

  it('follows the system and the choice of colours', async () => {
    const page = await site.open({ colorScheme: 'dark' });
    const paper = () => page.evaluate(() => getComputedStyle(document.documentElement).getPropertyValue('--paper'));
    const [dark, change] = [await paper(), page.getByRole('button', { name: /^Colours: / })];
    await page.emulateMedia({ colorScheme: 'light' });
    await expect.poll(paper).not.toBe(dark);
    const light = await paper();
    await change.click();
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await paper()).toBe(light);
    await page.reload();
    expect(await paper()).toBe(light);
    await change.click();
    await change.click();
    await expect.poll(paper).toBe(dark);
    await page.context().close();
  });

  it('says so when the server is away, and goes on when it is back', async () => {
    const page = await site.open();
    await page.getByLabel('Caption').fill('an apple');
    await page.context().setOffline(true);
    await run(page, 'Draw');
    await page.getByRole('alert').getByText('The server does not answer').waitFor();
    await page.context().setOffline(false);
    await page.getByRole('alert').waitFor({ state: 'detached' });
    expect(await page.getByLabel('Caption').inputValue()).toBe('an apple');
    await hurry(page);
    await setCount(page, 'Pictures', 1);
    await run(page, 'Draw');
    await finished(page);
    await page.context().close();
  });

  it('asked nobody but this server, and met no error that was not staged', () => {
    expect(site.foreignRequests).toEqual([]);
    expect(site.faults.filter(fault => !fault.includes('ERR_INTERNET_DISCONNECTED'))).toEqual([]);
  });
});
