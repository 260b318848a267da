/** What the page's tests stand on: the built page on the real server with the embedded model, and a browser that is watched. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { buildApp } from '../../server/app.ts';
import { serverConfig } from '../../server/config.ts';
import { loadModel } from '../../server/load-model.ts';
import type { LoadedModel } from '../../server/types.ts';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** undefined: there is none on this machine. */
export const chromiumPath = [process.env['CHROMIUM_PATH'] ?? '', ...places].find(
  path => path !== '' && existsSync(path),
);

export const phone: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 2,
  hasTouch: true,
  isMobile: true,
};

export interface Site {
  readonly origin: string;
  /** Everything that pages asked for that was not on this server; must stay empty. */
  readonly foreignRequests: readonly string[];
  /** Errors of pages: scripts, policy, resources. */
  readonly faults: readonly string[];
  open(options?: BrowserContextOptions, hash?: string): Promise<Page>;
  /** The server goes away, as when its process ends; `restart` brings it back at the same address. */
  stop(): Promise<void>;
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** On the embedded model, unless another one is given. */
export async function openSite(model?: LoadedModel): Promise<Site> {
  const folder = await mkdtemp(join(tmpdir(), 'duet-page-'));
  const pageFolder = join(folder, 'dist');
  const root = fileURLToPath(new URL('../../web', import.meta.url));
  await build({ root, logLevel: 'warn', build: { outDir: pageFolder, emptyOutDir: true } });
  const models = [model ?? (await loadModel('emoji', {}))];
  const start = async (port: number) => {
    const config = serverConfig({ data: join(folder, 'data'), maxEventLoopDelay: 0 });
    const app = await buildApp({ config, models, pageFolder });
    return { app, origin: await app.listen({ host: '127.0.0.1', port }) };
  };
  const { origin, ...first } = await start(0);
  let { app } = first;
  const browser = await launch();
  const foreignRequests: string[] = [];
  const faults: string[] = [];
  return {
    origin,
    foreignRequests,
    faults,
    async open(options = {}, hash = '') {
      const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
      context.setDefaultTimeout(60_000);
      const page = await context.newPage();
      page.on('request', request => {
        const url = request.url();
        if (!url.startsWith(`${origin}/`) && !url.startsWith('data:')) foreignRequests.push(url);
      });
      page.on('pageerror', error => faults.push(String(error)));
      page.on('console', message => message.type() === 'error' && faults.push(message.text()));
      await page.goto(`${origin}/${hash}`);
      return page;
    },
    stop: () => app.close(),
    async restart() {
      ({ app } = await start(Number(new URL(origin).port)));
    },
    async close() {
      await browser.close();
      await app.close();
      await rm(folder, { recursive: true });
    },
  };
}

function launch(): Promise<Browser> {
  const executablePath = chromiumPath;
  if (!executablePath) throw new Error('No Chromium found; set CHROMIUM_PATH or install the package chromium');
  // The sandbox needs rights that containers seldom give; only our own page is shown.
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
}
