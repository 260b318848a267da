/** The page of the embedded chat model, which has all tabs: one conversation, one drawing, every width. Without Chromium skipped. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { loadModel } from '../../server/load-model.ts';
import type { LoadedModel } from '../../server/types.ts';
import { answered, answers, draw, openTab, say, setSteps, status, tabNames } from './drive.ts';
import { chromiumPath, openSite, type Site, testTimeout } from './open-page.ts';

let loaded: LoadedModel;
let site: Site;

describe.skipIf(!chromiumPath)(
  'the embedded chat model (needs Chromium: apt-get install chromium)',
  { timeout: testTimeout },
  () => {
    beforeAll(async () => {
      loaded = await loadModel('emoji-chat', {});
      site = await openSite(loaded);
    }, testTimeout);
    afterEach(() => site.closePages());
    afterAll(async () => {
      await site.close();
      await loaded.model?.release();
    }, testTimeout);

    it('converses, and draws from captions', async () => {
      const page = await site.open();
      await say(page, 'Can you show me two foxes?');
      await answers(page).first().getByRole('link', { name: 'Picture 1', exact: true }).waitFor();
      await answered(page);
      await openTab(page, 'Draw');
      await setSteps(page, 4);
      await draw(page, 'an apple');
      await status(page, 'succeeded');
    });

    it('has every tab in sight at every width', async () => {
      const page = await site.open();
      await page.getByRole('tab', { name: 'Chat' }).waitFor();
      for (const width of [320, 390, 860, 861, 1000, 1001, 1080, 1081, 1280]) {
        await page.setViewportSize({ width, height: 800 });
        const parts = [...tabNames, 'Chat'].map(name => page.getByRole('tab', { name, exact: true }));
        for (const part of [...parts, page.getByRole('button', { name: /^Colours/ })]) {
          const { x, width: own } = (await part.boundingBox())!;
          expect([x >= 0, x + own <= width], `${width}: ${await part.textContent()}`).toEqual([true, true]);
        }
      }
    });
  },
);
