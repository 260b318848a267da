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

/** How long a test waits for anything, in milliseconds: long enough for a slow and busy machine. */
export const testTimeout = 300_000;

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

/** As others in the same network see the page: plain http, and no loopback address. */
const lanName = 'duet.test';

export interface Site {
  readonly origin: string;
  /** The same server under a name that is no secure context to a browser. */
  readonly lanOrigin: string;
  /** Everything that pages asked for that was not on this server; must stay empty. */
  readonly foreignRequests: readonly string[];
  /** Errors of pages: scripts, policy, resources. */
  readonly faults: readonly string[];
  /** A page of its own, in a browser that has kept nothing. `path` is absolute, or a whole address. */
  open(options?: BrowserContextOptions, path?: string): Promise<Page>;
  /** Closes all that are open, as after each test. */
  closePages(): Promise<void>;
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
    const settings = { data: join(folder, 'data'), maxEventLoopDelay: 0, allowedHosts: [lanName] };
    const config = serverConfig(settings);
    const app = await buildApp({ config, models, pageFolder });
    return { app, origin: await app.listen({ host: '127.0.0.1', port }) };
  };
  const { origin, ...first } = await start(0);
  let { app } = first;
  const lanOrigin = origin.replace('127.0.0.1', lanName);
  const browser = await launch();
  const foreignRequests: string[] = [];
  const faults: string[] = [];
  return {
    origin,
    lanOrigin,
    foreignRequests,
    faults,
    async open(options = {}, path = '/') {
      const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
      context.setDefaultTimeout(0.8 * testTimeout); // before the test's own, to say what was waited for
      const page = await context.newPage();
      page.on('request', request => {
        const url = request.url();
        const isOwn = [origin, lanOrigin].some(own => url.startsWith(`${own}/`));
        if (!isOwn && !url.startsWith('data:')) foreignRequests.push(url);
      });
      page.on('pageerror', error => faults.push(String(error)));
      page.on('console', message => message.type() === 'error' && faults.push(message.text()));
      await page.goto(new URL(path, origin).href);
      return page;
    },
    async closePages() {
      await Promise.all(browser.contexts().map(context => context.close()));
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
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      `--host-resolver-rules=MAP ${lanName} 127.0.0.1`,
    ],
  });
}
