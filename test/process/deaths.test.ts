/** The inference process dies, or the process that owns it ends in any way: nothing is left behind, nothing crashes. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeModelFolder } from '../../src/pipelines/index.ts';
import { tinyModel } from '../support/tiny-model.ts';
import { type Built, build } from './built.ts';

const deaths = Number(process.env['DUET_TEST_DEATHS'] ?? 200);
const exits = Number(process.env['DUET_TEST_EXITS'] ?? 50);
/** Processes that are tried at the same time. */
const together = 4;
const timeout = 600_000;

let built: Built;
let folder: string;
beforeAll(async () => {
  built = await build();
  folder = await mkdtemp(join(tmpdir(), 'duet-exits-'));
  await writeModelFolder(join(folder, 'model'), tinyModel());
});
afterAll(async () => {
  await built.remove();
  await rm(folder, { recursive: true });
});

test(
  `${deaths} inference processes killed in the middle of a run: all runs are refused, the next call works, nothing leaks`,
  async () => {
    const script = fileURLToPath(new URL('./killed-runs.ts', import.meta.url));
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--expose-gc', '--import', 'tsx', script, built.folder, `${deaths}`],
      { timeout },
    );
    const { first, last, ...seen } = JSON.parse(stdout);
    expect(seen).toEqual({ right: deaths, refused: 2 * deaths, deaths, pids: deaths, alive: 0 });
    expect(last.handles).toBeLessThanOrEqual(first.handles);
    expect(last.listeners).toBe(first.listeners);
    expect((last.heap - first.heap) / 2 ** 20).toBeLessThan(8);
  },
  timeout,
);

interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

async function endOf(child: ChildProcess): Promise<End> {
  let stderr = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code, signal] = await once(child, 'close');
  return { code, signal, stderr };
}

function start(args: readonly string[], cache = join(folder, 'cache')): ChildProcess {
  return spawn(process.execPath, args, {
    env: { ...process.env, DUET_MODEL: join(folder, 'model'), DUET_CACHE: cache, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Ends of `exits` processes, a few of them at a time. */
async function ends(run: () => Promise<End>): Promise<End[]> {
  const all: End[] = [];
  while (all.length < exits) all.push(...(await Promise.all(Array.from({ length: together }, run))));
  return all;
}

/** Inference processes of this build that still run. */
function orphans(): string[] {
  if (!existsSync('/proc')) return [];
  return readdirSync('/proc').filter(pid => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(join(built.folder, 'src/engine/runtime'));
    } catch {
      return false; // it has ended meanwhile
    }
  });
}

/** A program of the library that draws for minutes and does `then` at its first step. */
const library = (then: string) => [
  '--input-type=module',
  '--eval',
  `import { Duet } from '${built.folder}/src/index.js';
   const model = await Duet.load(process.env.DUET_MODEL);
   await model.image({ n: 256, steps: 250, onProgress: () => { ${then} } });`,
];

/** The command line, drawing for minutes. */
const command = () => [
  join(built.folder, 'bin/duet.js'),
  'image',
  '-n',
  '256',
  '--steps',
  '250',
  '-o',
  join(folder, 'x/'),
];

describe(`${exits} processes that end while a picture is made`, () => {
  test.each([
    ['process.exit(3)', 'process.exit(3);', 3, /^$/],
    [
      'an error that nobody catches',
      "setTimeout(() => { throw new Error('nobody catches me'); });",
      1,
      /nobody catches me/,
    ],
  ])(
    'by %s',
    async (_, then, code, stderr) => {
      for (const end of await ends(() => endOf(start(library(then))))) {
        expect(end).toEqual({ code, signal: null, stderr: expect.stringMatching(stderr) });
      }
      await expect.poll(orphans, { timeout: 60_000 }).toEqual([]);
    },
    timeout,
  );

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    "by %s, with that signal's exit code and one line",
    async (signal, code) => {
      const run = async () => {
        const cache = await mkdtemp(join(folder, 'cache-'));
        const child = start(command(), cache);
        const end = endOf(child);
        // Once a graph of this run is cached, it is loading its last networks or sampling already.
        const timer = setInterval(() => {
          if (readdirSync(cache).length === 0) return;
          clearInterval(timer); // a second signal would not wait for the message
          child.kill(signal);
        }, 20);
        return end;
      };
      for (const end of await ends(run)) expect(end).toEqual({ code, signal: null, stderr: 'Cancelled.\n' });
      await expect.poll(orphans, { timeout: 60_000 }).toEqual([]);
    },
    timeout,
  );

  test(
    'by SIGKILL, which leaves no inference process behind',
    async () => {
      const run = async () => {
        const child = start(library("process.kill(process.pid, 'SIGKILL');"));
        return endOf(child);
      };
      for (const end of await ends(run)) expect(end).toMatchObject({ code: null, signal: 'SIGKILL' });
      await expect.poll(orphans, { timeout: 60_000 }).toEqual([]);
    },
    timeout,
  );

  test(
    'by SIGINT as soon as anything can hear it',
    async () => {
      const early = `data:text/javascript,process.on('newListener', name => {
      if (name === 'SIGINT') setImmediate(() => process.kill(process.pid, 'SIGINT'));
    });`;
      const run = () => endOf(start(['--import', early.replaceAll(/\s+/g, '%20'), ...command()]));
      for (const end of await ends(run)) expect(end).toEqual({ code: 130, signal: null, stderr: 'Cancelled.\n' });
    },
    timeout,
  );
});
