import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

/** The page: built into web/dist, which the server serves. `npx vite web` develops against a server on the usual port. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: { outDir: 'dist', emptyOutDir: true, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { proxy: { '/v1': 'http://127.0.0.1:7860' } },
});
