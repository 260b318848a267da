/** The programs in examples/, run as their first lines say, in an empty folder. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadModel } from '../server/load-model.ts';
import { packageRoot } from '../src/core/package-root.ts';
import { serve } from './clients/serve.ts';

const root = packageRoot();
const tsx = ['--import', join(root, 'node_modules/tsx/dist/loader.mjs')];
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'duet-examples-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** What an example prints, line by line, and the files that it leaves in out/. */
async function run(name: string, args: readonly string[] = []): Promise<{ lines: string[]; files: string[] }> {
  const child = spawn(process.execPath, [...tsx, join(root, 'examples', name), ...args], {
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1', TSX_TSCONFIG_PATH: join(root, 'tsconfig.json') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', chunk => {
    text += chunk;
  });
  const [code] = await once(child, 'close');
  expect(code).toBe(0);
  return { lines: text.trimEnd().split('\n'), files: await readdir(join(folder, 'out')).catch(() => []) };
}

describe('examples', { timeout: 600_000 }, () => {
  it('text-to-image draws a file for each seed', async () => {
    const { lines, files } = await run('text-to-image.ts', ['an apple']);
    const drawn = [1, 2, 3, 4].map(seed => `text-to-image-${seed}.png`);
    expect(lines.slice(0, -1)).toEqual(drawn.map(name => `out/${name}`));
    expect(files).toEqual(expect.arrayContaining(drawn));
  });

  it('chat draws, changes what it drew, and answers about it', async () => {
    const { lines, files } = await run('chat.ts');
    expect(lines).toContain('> Make it blue.');
    expect(files).toEqual(expect.arrayContaining(['chat-1.png', 'chat-2.png']));
  });

  it('image-to-text describes what it has drawn, and files', async () => {
    const { lines } = await run('image-to-text.ts');
    expect(lines.join(' ')).toMatch(/stars .*'three stars on a blue background'/s);
    const { lines: described } = await run('image-to-text.ts', ['out/text-to-image-1.png']);
    expect(described.join(' ')).toMatch(/^out\/text-to-image-1\.png .*apple/s);
  });

  it('joint-with-progress counts to the end and cancels', async () => {
    const { lines, files } = await run('joint-with-progress.ts');
    expect(lines.at(-1)).toBe('cancelled');
    expect(lines.filter(line => line.includes('preview')).length).toBeGreaterThan(0);
    const [, last, total] = /step (\d+) of (\d+)$/.exec(lines.filter(line => line.includes(' of ')).at(-1) ?? '') ?? [];
    expect(last).toBe(total);
    expect(files).toEqual(expect.arrayContaining(['joint-7.png', 'joint-8.png']));
  });

  it('inpaint fills half a picture, and the gap of a caption', async () => {
    const { lines, files } = await run('inpaint.ts');
    expect(files).toEqual(expect.arrayContaining(['inpaint-before.png', 'inpaint-1.png', 'inpaint-2.png']));
    expect(lines.join(' ').match(/'an? \w[\w ]* to the left of a dog'/g)).toHaveLength(3);
  });

  it('openai-client draws and describes through a server', async () => {
    const server = await serve(await loadModel('emoji', {}));
    try {
      const { lines, files } = await run('openai-client.ts', [server.origin]);
      expect(lines).toEqual([expect.stringContaining('emoji'), expect.stringContaining('heart')]);
      expect(files).toEqual(expect.arrayContaining(['openai-0.png', 'openai-1.png']));
    } finally {
      await server.close();
    }
  });

  it('fine-tune trains on its folder and draws with the result', async () => {
    const { files } = await run('fine-tune.ts', [process.execPath, ...tsx, join(root, 'bin/duet.ts')]);
    expect(files).toEqual(expect.arrayContaining(['pairs', 'fine-tuned', 'fine-tuned.png']));
  });
});
