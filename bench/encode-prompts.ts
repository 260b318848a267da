/**
 * `npm run bench -- prompts`: milliseconds of the longest turn of the event loop while prompts are encoded, for texts of each kind that tokenizers
 * find hard, by the recorded tokenizers of the tests.
 */
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readJsonFile } from '../src/core/json-file.ts';
import { PromptEncoder, tokenizerFrom } from '../src/tokenizer/index.ts';

const recorded = fileURLToPath(new URL('../test/data/tokenizers/', import.meta.url));
const units = {
  words: 'the quick brown fox sees two red hearts. ',
  blanks: ' ',
  letters: 'a',
  emoji: '👩‍👩‍👧',
  漢字: '漢字',
  accents: 'e\u0301',
};
const sizes = [4000, 16_000, 200_000];

/** Milliseconds that this thread has computed, whatever else the machine did meanwhile; of the clock where Linux does not say. */
function computed(): number {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
  } catch {
    return performance.now();
  }
}

/** What the longest turn of the event loop computes while `work` goes on, and all turns. */
async function longestTurn(work: () => Promise<unknown>): Promise<{ readonly turn: number; readonly all: number }> {
  let isDone = false;
  let turn = 0;
  const start = computed();
  let last = start;
  const look = () => {
    const now = computed();
    turn = Math.max(turn, now - last);
    last = now;
    if (!isDone) setTimeout(look);
  };
  setTimeout(look);
  await work();
  const end = computed();
  isDone = true;
  return { turn: Math.max(turn, end - last), all: end - start };
}

export async function run(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'duet-prompts-'));
  for (const name of await readdir(recorded)) {
    const { tokenizer: json } = (await readJsonFile(join(recorded, name))) as { readonly tokenizer: unknown };
    const source = { file: join(folder, name) };
    await writeFile(source.file, JSON.stringify(json));
    const encoder = new PromptEncoder(tokenizerFrom(json, source), source);
    const started = await longestTurn(() => encoder.encode('the '.repeat(1001)));
    console.log(`${name}: the first long text, with the start of the thread ${started.turn.toFixed(1)}`);
    for (const size of sizes) {
      const cells: string[] = [];
      for (const [kind, unit] of Object.entries(units)) {
        const text = unit.repeat(Math.ceil(size / unit.length)).slice(0, size);
        const { turn } = await longestTurn(() => encoder.encode(text));
        cells.push(`${kind} ${turn.toFixed(1)}`);
      }
      console.log(`  ${size} characters: ${cells.join(', ')}`);
    }
    await encoder.release();
  }
  await rm(folder, { recursive: true });
}
