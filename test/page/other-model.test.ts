/**
 * The page of a model that Duet does not have: its own modes and options of every kind, no captions out. The page has no
 * table of its own, so all that it shows comes from what the server says. Without Chromium all are skipped.
 */
import Type from 'typebox';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fakeModel, fakePicture } from '../../server/testing/fake-model.ts';
import type { LoadedModel } from '../../server/types.ts';
import type { CallResult, CallSpec } from '../../src/pipelines/index.ts';
import { caption, givePicture, result, run, runButton, status } from './drive.ts';
import { chromiumPath, openSite, phone, type Site, testTimeout } from './open-page.ts';

const options = {
  n: Type.Integer({ title: 'Samples', minimum: 1, maximum: 4, default: 1 }),
  seed: Type.Integer({ minimum: 0, maximum: 2 ** 32 - 1 }),
  steps: Type.Integer({ title: 'Steps', minimum: 1, maximum: 50, default: 8 }),
  width: Type.Integer({ title: 'Width', minimum: 64, maximum: 1024, multipleOf: 8, default: 512 }),
  strength: Type.Number({ minimum: 0, maximum: 1, default: 0.75, description: 'how much may change' }),
  scheduler: Type.Enum(['euler', 'heun'], {
    'x-titles': { heun: 'Heun’s' },
    default: 'euler',
    description: 'how noise is removed',
  }),
  negativePrompt: Type.String({ maxLength: 40, description: 'what should not be seen' }),
  tiledDecoding: Type.Boolean({ default: false, description: 'less memory for large pictures' }),
};

const drawing: CallSpec = {
  title: 'Painting',
  verb: 'Paint it',
  summary: 'paint pictures of a prompt; nothing is described',
  needs: [['prompt']],
  takes: ['prompt'],
  makes: 'images',
  options: ['n', 'seed', 'steps', 'width', 'scheduler', 'negativePrompt', 'tiledDecoding'],
};
const calls = {
  paint: drawing,
  repaint: {
    ...drawing,
    title: 'Repainting',
    verb: 'Repaint',
    summary: 'paint a picture over another one',
    needs: [['image'], ['prompt']],
    takes: ['image', 'prompt'],
    options: [...drawing.options, 'strength'],
  },
} satisfies Record<string, CallSpec>;

/** What calls were made with. */
const asked: { readonly mode: string; readonly values: Readonly<Record<string, unknown>> }[] = [];

function painter(): LoadedModel {
  const fake = fakeModel({ id: 'painter' });
  const defaults = { steps: 8, guidance: 1, solver: 'euler', width: 512, scheduler: 'euler', tiledDecoding: false };
  const run = async (mode: string, _inputs: object, values: Readonly<Record<string, unknown>> = {}) => {
    const { signal: _signal, onProgress: _onProgress, ...own } = values;
    asked.push({ mode, values: own });
    const settings = { model: 'painter', steps: 8, guidance: 1, solver: 'euler' };
    const timings = { encode: 0, sample: 0, decode: 0, total: 1 };
    const samples = [{ seed: Number(own['seed']), image: fakePicture(7) }];
    return { mode, samples, settings, timings, unknownWords: [], captionCut: false } satisfies CallResult;
  };
  return {
    info: {
      ...fake.info,
      family: 'painters',
      calls,
      options,
      defaults: { paint: defaults, repaint: { ...defaults, strength: 0.75 } },
      examples: ['a lighthouse', 'a storm at sea'],
    },
    model: { ...fake.model, family: 'painters', run },
  };
}

describe.skipIf(!chromiumPath)(
  'the page of another family (needs Chromium: apt-get install chromium)',
  { timeout: testTimeout },
  () => {
    let site: Site;
    beforeAll(async () => {
      site = await openSite(painter());
    }, testTimeout);
    afterEach(() => site.closePages());
    afterAll(() => site.close(), testTimeout);

    it('has only the tabs that it can do something in', async () => {
      const page = await site.open({}, '/describe');
      await page.getByRole('heading', { name: 'Paint pictures of a prompt' }).waitFor();
      expect(await page.getByRole('tab').allTextContents()).toEqual(['Draw', 'Vary & Mix']);
      await page.getByText('Nothing is described').waitFor();
      await page.getByRole('button', { name: 'a storm at sea' }).click();
      expect(await caption(page).inputValue()).toBe('a storm at sea');
    });

    it('has a field for an option of each kind, with its limits, and sends what is set', async () => {
      const page = await site.open({}, '/draw');
      await caption(page).fill('a lighthouse');
      await page.locator('.settings summary').click();
      const tiled = page.getByLabel('Tiled decoding');
      await tiled.check();
      await page.getByText('Less memory for large pictures').waitFor();
      await page.getByLabel('Scheduler').selectOption('heun');
      expect(await page.getByLabel('Scheduler').locator('option').allTextContents()).toEqual(['euler', 'Heun’s']);
      await page.getByLabel('Negative prompt').fill('fog');
      expect(await page.getByLabel('Negative prompt').getAttribute('maxlength')).toBe('40');
      await page.getByLabel('Width, as a number').fill('333');
      await page.getByLabel('Width, as a number').blur();
      expect(await page.getByLabel('Width, as a number').inputValue()).toBe('336');
      await page.getByLabel('Seed', { exact: true }).fill('3');
      expect(await page.locator('.settings-summary').textContent()).toBe(
        'seed 3 · width 336 · scheduler heun · negative prompt fog · tiled decoding',
      );
      await run(page, 'Paint it');
      await status(page, 'succeeded');
      const values = { n: 4, seed: 3, width: 336, scheduler: 'heun', negativePrompt: 'fog', tiledDecoding: true };
      expect(asked.at(-1)).toEqual({ mode: 'paint', values });
      await page.getByRole('button', { name: 'Use via API' }).click();
      const code = await page.getByLabel('curl code').inputValue();
      expect(code).toContain('"tiled_decoding": true');
      await page.keyboard.press('Escape');
      // The step back in the browser's history comes after the dialog has closed, and would abort the loading.
      await page.waitForURL('**/draw');
      await page.reload();
      await page.locator('.settings summary').click();
      expect(await tiled.isChecked()).toBe(true);
      await tiled.uncheck();
      await run(page, 'Paint it');
      await expect.poll(() => asked.at(-1)?.values, { timeout: testTimeout }).not.toHaveProperty('tiledDecoding');
    });

    it('asks for a picture and words where a mode needs both', async () => {
      const page = await site.open(phone, '/vary');
      await run(page, 'Repaint');
      await page.getByText('Add a picture and write a caption first').waitFor();
      await givePicture(page, 'a.png', Buffer.from(await fakePicture(3).toPng()));
      await caption(page).fill('a storm');
      await page.locator('.settings summary').click();
      await page.getByLabel('Strength, as a number').fill('0.33');
      await page.getByLabel('Strength, as a number').blur();
      await run(page, 'Repaint');
      await status(page, 'succeeded');
      expect(asked.at(-1)).toMatchObject({ mode: 'repaint', values: { strength: 0.33 } });
      expect(await result(page).getByRole('img').count()).toBe(1);
      await result(page).getByRole('link').click();
      await page.getByRole('heading', { name: 'Repainting' }).waitFor();
      expect(await page.locator('dt:text-is("Strength") + dd').textContent()).toBe('0.33');
      expect(await page.getByText('Use it to').locator('..').getByRole('button').allTextContents()).toEqual(['Vary']);
      await page.getByRole('button', { name: 'Edit settings' }).click();
      await runButton(page, 'Repaint').waitFor();
    });

    it('met no error', () => {
      expect(site.faults).toEqual([]);
    });
  },
);
