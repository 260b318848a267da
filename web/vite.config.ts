import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const served = 'http://127.0.0.1:7860';

/** The page: built into web/dist, which the server serves. `npx vite web` develops against a server on the usual port. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: '/', // the page has paths of its own, such as /draw
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: { outDir: 'dist', emptyOutDir: true, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  // The server refuses foreign origins, and to it this one is foreign.
  server: { proxy: { '/v1': { target: served, changeOrigin: true, headers: { origin: served } } } },
});
