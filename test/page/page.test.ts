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
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  caption,
  openTab,
  result,
  run,
  setCount,
  setSteps,
  shownTab,
  status,
  tabNames,
  tiles,
  viewer,
} from './drive.ts';
import { chromiumPath, openSite, phone, type Site, testTimeout } from './open-page.ts';

const shots = process.env['PAGE_SHOTS'];
let site: Site;
/** For files that are dragged in. */
let folder: string;

const shoot = async (page: Page, name: string) => {
  if (shots) await page.screenshot({ path: join(shots, `${name}.png`) });
};

/** Pixels of the canvas that shows the mask where any of it is to be seen. */
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
  await tiles(page, { name: /an apple/ })
    .first()
    .click();
  await viewer(page).waitFor();
  return page;
}

/** The bytes of the gallery's first picture. */
async function latestPicture(page: Page): Promise<Buffer> {
  const link = tiles(page).first();
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

describe.skipIf(!chromiumPath)('the page (needs Chromium: apt-get install chromium)', { timeout: testTimeout }, () => {
  beforeAll(async () => {
    if (shots) await mkdir(shots, { recursive: true });
    folder = await mkdtemp(join(tmpdir(), 'duet-dragged-'));
    site = await openSite();
  }, testTimeout);
  afterEach(() => site.closePages());
  afterAll(async () => {
    await site.close();
    await rm(folder, { recursive: true });
  }, testTimeout);

  it('draws an example', async () => {
    const page = await site.open();
    await page.getByRole('button', { name: 'an apple', exact: true }).click();
    expect(await caption(page).inputValue()).toBe('an apple');
    await setSteps(page, 30);
    await setCount(page, 'Pictures', 2);
    await run(page, 'Draw');
    await status(page, 'succeeded');
    expect(
      await result(page)
        .getByRole('img', { name: /an apple, seed \d+/ })
        .count(),
    ).toBe(2);
    await shoot(page, 'draw');
  });

  it('keeps the gallery over a reload, with parameters, "again" and "with another seed"', async () => {
    const page = await site.open();
    const pictures = tiles(page, { name: /an apple/ });
    await pictures.first().waitFor();
    await page.reload();
    await pictures.first().waitFor();
    expect(await pictures.count()).toBe(2);
    await pictures.first().click();
    const seed = Number(await viewer(page).locator('dt:text-is("Seed") + dd').textContent());
    expect(await viewer(page).locator('dt:text-is("Steps") + dd').textContent()).toBe('30');
    await shoot(page, 'viewer');
    await viewer(page).getByRole('button', { name: 'Again' }).click();
    await status(page, 'succeeded');
    expect(
      await result(page)
        .getByRole('img', { name: `an apple, seed ${seed}` })
        .count(),
    ).toBe(1);
    await pictures.first().click();
    await viewer(page).getByRole('button', { name: 'With another seed' }).click();
    await result(page)
      .getByRole('img', { name: new RegExp(`an apple, seed (?!${seed}\\b)\\d+`) })
      .first()
      .waitFor({ timeout: testTimeout });
  });

  it.each(['png', 'jpeg', 'webp'])('restores settings from inside a %s file of the server', async format => {
    const asked = {
      prompt: 'a green hat',
      seed: 5,
      num_inference_steps: 2,
      guidance_scale: 4.5,
      output_format: format,
    };
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ ...asked, negative_prompt: 'a cat', response_format: 'b64_json' });
    const answer = await fetch(`${site.origin}/v1/images/generations`, { method: 'POST', headers, body });
    const { data } = (await answer.json()) as { data: { b64_json: string }[] };
    const page = await site.open({}, '/imagine');
    const chooser = page.waitForEvent('filechooser');
    await page.getByRole('button', { name: 'Settings from a picture' }).click();
    const buffer = Buffer.from(data[0]!.b64_json, 'base64');
    await (await chooser).setFiles({ name: `made.${format}`, mimeType: `image/${format}`, buffer });
    await page.getByRole('heading', { name: 'Draw pictures from a caption' }).waitFor();
    expect(await caption(page).inputValue()).toBe('a green hat');
    const settings = page.locator('.settings-summary');
    expect(await settings.textContent()).toBe('seed 5 · steps 2 · guidance 4.5 · negative prompt');
  });

  it('takes a picture that tells nothing as one to describe', async () => {
    const page = await site.open();
    const chooser = page.waitForEvent('filechooser');
    await page.getByRole('button', { name: 'Settings from a picture' }).click();
    const buffer = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
      .jpeg()
      .toBuffer();
    await (await chooser).setFiles({ name: 'plain.jpg', mimeType: 'image/jpeg', buffer });
    await shownTab(page, 'Describe');
    await page.getByRole('img', { name: 'Picture: plain.jpg' }).waitFor();
  });

  it('restores the settings of a gallery picture that is dragged onto the page', async () => {
    const page = await site.open({ viewport: { width: 1280, height: 1400 } }, '/imagine');
    const picture = tiles(page, { name: /an apple/ });
    await picture.last().dragTo(page.getByRole('heading', { level: 1 }));
    await page.getByRole('heading', { name: 'Draw pictures from a caption' }).waitFor();
    expect(await caption(page).inputValue()).toBe('an apple');
    expect(await page.locator('.settings-summary').textContent()).toMatch(/seed \d+ · steps 30/);
    await page.locator('.veil').waitFor({ state: 'detached' });
  });

  it('describes a picture that is dropped, with alternatives', async () => {
    const page = await site.open({}, '/describe');
    await dropFile(page, join(folder, 'dropped.png'), await latestPicture(page), '.picture-input');
    await page.getByRole('img', { name: 'Picture: dropped.png' }).waitFor();
    await setSteps(page, 2);
    await setCount(page, 'Captions', 3);
    await run(page, 'Describe');
    await status(page, 'succeeded');
    const captions = result(page).getByRole('listitem');
    expect(await captions.count()).toBeGreaterThan(0);
    await shoot(page, 'describe');
    const words = await captions.first().locator('.caption').textContent();
    await captions
      .first()
      .getByRole('button', { name: /^Draw this/ })
      .click();
    expect(await caption(page).inputValue()).toBe(words);
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
  });

  it('imagines pairs', async () => {
    const page = await site.open({}, '/imagine');
    await setSteps(page, 2);
    await setCount(page, 'Pairs', 3);
    await run(page, 'Imagine');
    await status(page, 'succeeded');
    expect(await result(page).getByRole('listitem').count()).toBe(3);
    expect(await result(page).locator('.plate .caption').count()).toBe(3);
    await shoot(page, 'imagine');
  });

  it('varies a picture of the gallery', async () => {
    const page = await openApple();
    await viewer(page).getByRole('button', { name: 'Vary' }).click();
    await shownTab(page, 'Vary & Mix');
    await setSteps(page, 2);
    await setCount(page, 'Pictures', 1);
    await run(page, 'Vary');
    await status(page, 'succeeded');
    expect(await result(page).getByRole('img').count()).toBe(1);
  });

  it('mixes two captions, with a slider over the frames', async () => {
    const page = await site.open({}, '/vary');
    await page.getByText('Interpolation', { exact: true }).click();
    await page.getByRole('button', { name: /→/ }).click();
    await setSteps(page, 2);
    await setCount(page, 'Frames', 3);
    await run(page, 'Mix');
    await status(page, 'succeeded');
    const frame = page.getByRole('slider', { name: 'Frame' });
    await frame.focus();
    await frame.press('ArrowRight');
    await frame.press('ArrowRight');
    await result(page).getByRole('img', { name: 'Frame 3 of 3' }).waitFor();
    await shoot(page, 'mix');
  });

  it('paints over a part, by pointer and by keyboard', async () => {
    const page = await openApple();
    await viewer(page).getByRole('button', { name: 'Paint over' }).click();
    await shownTab(page, 'Inpaint');
    const board = page.getByRole('application');
    await board.waitFor();
    await run(page, 'Paint');
    await page.getByText('Paint over what should change first').waitFor();
    await board.evaluate(element => element.scrollIntoView({ block: 'center' }));
    const box = (await board.boundingBox())!;
    await page.mouse.move(box.x + box.width * 0.3, box.y + box.height * 0.3);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.6, box.y + box.height * 0.4, { steps: 4 });
    await page.mouse.up();
    const stroked = await paintedPixels(page);
    expect(stroked).toBeGreaterThan(20_000);
    for (let time = 0; time < 8; time++) await board.press('ArrowDown');
    await board.press(' ');
    expect(await paintedPixels(page)).toBeGreaterThan(stroked);
    await setSteps(page, 2);
    await setCount(page, 'Pictures', 1);
    await run(page, 'Paint');
    await status(page, 'succeeded');
    expect(await result(page).getByRole('img').count()).toBe(1);
    await shoot(page, 'inpaint');
  });

  it('says what the form is as a program', async () => {
    const page = await site.open();
    await caption(page).fill('two red hearts');
    await page.getByRole('button', { name: 'Use via API' }).click();
    await page.getByText('Python', { exact: true }).click();
    const code = await page.getByLabel('Python code').inputValue();
    expect(code).toContain('prompt="two red hearts"');
    expect(code).toContain(`base_url="${site.origin}/v1"`);
    await shoot(page, 'code');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
  });

  it('can be used by keyboard alone', async () => {
    const page = await site.open();
    await page.getByRole('tab', { name: 'Draw' }).focus();
    await page.keyboard.press('ArrowRight');
    await page.getByRole('tab', { name: 'Describe', selected: true }).waitFor();
    await page.keyboard.press('End');
    await page.getByRole('tab', { name: 'Inpaint', selected: true }).waitFor();
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('tab-inpaint');
  });

  it.each([
    ['light', tabNames],
    ['dark', tabNames],
  ] as const)('has no serious fault that axe finds, in %s colours', async (colorScheme, tabs) => {
    const page = await site.open({ colorScheme, reducedMotion: 'reduce' }); // colours are judged when they are settled
    await page.getByRole('button', { name: 'an apple', exact: true }).waitFor();
    for (const tab of tabs) {
      await openTab(page, tab);
      expect(await faultsFoundByAxe(page), tab).toEqual([]);
    }
    await shoot(page, `${colorScheme}-inpaint`);
    await tiles(page).first().click();
    await viewer(page).waitFor();
    expect(await faultsFoundByAxe(page), 'viewer').toEqual([]);
    await shoot(page, `${colorScheme}-viewer`);
  });

  it('fits a small phone, where what runs a form stays in reach above the tabs', async () => {
    const page = await site.open({ ...phone, viewport: { width: 360, height: 600 } });
    for (const tab of tabNames) {
      await openTab(page, tab);
      const overhang = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(overhang, tab).toBeLessThanOrEqual(0);
      const primary = await page.locator('.run-row .primary').boundingBox();
      const bar = await page.getByRole('tablist').boundingBox();
      expect(primary!.y + primary!.height, tab).toBeLessThanOrEqual(bar!.y);
      await shoot(page, `phone-${tab.slice(0, 4).toLowerCase()}`);
    }
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
  });

  it('says so when the server is away, and goes on when it is back', async () => {
    const page = await site.open();
    await caption(page).fill('an apple');
    await page.context().setOffline(true);
    await run(page, 'Draw');
    await page.getByRole('alert').getByText('The server does not answer').waitFor();
    await page.context().setOffline(false);
    await page.getByRole('alert').waitFor({ state: 'detached' });
    expect(await caption(page).inputValue()).toBe('an apple');
    await setSteps(page, 2);
    await setCount(page, 'Pictures', 1);
    await run(page, 'Draw');
    await status(page, 'succeeded');
  });

  it('asked nobody but this server, and met no error that was not staged', () => {
    expect(site.foreignRequests).toEqual([]);
    expect(site.faults.filter(fault => !fault.includes('ERR_INTERNET_DISCONNECTED'))).toEqual([]);
  });
});
