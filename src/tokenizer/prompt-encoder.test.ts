import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { readJsonFile } from '../core/json-file.ts';
import { JsonTokenizer, PromptEncoder, type TokenizerSource, tokenizerFrom } from './index.ts';

const recorded = new URL('../../test/data/tokenizers/', import.meta.url);
const longText = 'Two foxes 🦊 <img> in the snow.  \n'.repeat(500);

let folder: string;
const open: PromptEncoder[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'duet-tokenizer-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(open.splice(0).map(encoder => encoder.release()));
});

async function encoderOf(name: string, more: Omit<TokenizerSource, 'file'> = {}): Promise<PromptEncoder> {
  const { tokenizer } = (await readJsonFile(new URL(name, recorded).pathname)) as { readonly tokenizer: object };
  const source = { file: join(folder, name), ...more };
  await writeFile(source.file, JSON.stringify(tokenizer));
  const encoder = new PromptEncoder(tokenizerFrom(tokenizer, source), source);
  open.push(encoder);
  return encoder;
}

describe('a long text', () => {
  it.each([
    ['llama2.json', {}],
    ['t5.json', { addedTokens: [{ name: '<img>', id: 9000 }], frame: { before: ['<img>'], behind: [] } }],
  ])('becomes the ids that the tokenizer gives, but not in this thread, which goes on: %s', async (name, source) => {
    const encoder = await encoderOf(name, source);
    const ids = [true, false].map(framed => encoder.tokenizer.encode(longText, { framed }));
    const here = vi.spyOn(JsonTokenizer.prototype, 'encode');
    let isDone = false;
    let turns = 0;
    const turn = () => {
      turns++;
      if (!isDone) setImmediate(turn);
    };
    setImmediate(turn);
    const found = [await encoder.encode(longText), await encoder.encode(longText, { framed: false })];
    isDone = true;
    expect(found).toEqual(ids);
    expect(here).not.toHaveBeenCalled();
    expect(turns).toBeGreaterThan(1);
  });

  it('waits for its turn, and is left out if nobody waits for it any more', async () => {
    const encoder = await encoderOf('gpt2.json');
    const sent = vi.spyOn(Worker.prototype, 'postMessage');
    const controller = new AbortController();
    const first = encoder.encode(longText);
    const second = encoder.encode(`${longText}!`, { signal: controller.signal });
    const third = encoder.encode(longText);
    controller.abort(new Error('gone'));
    await expect(second).rejects.toThrow('gone');
    expect(await first).toEqual(await third);
    expect(sent).toHaveBeenCalledTimes(2);
    await expect(encoder.encode('short', { signal: controller.signal })).rejects.toThrow('gone');
  });

  it('is refused when the thread ends, and encoded by another one after that', async () => {
    const encoder = await encoderOf('gpt2.json');
    let thread: Worker | undefined;
    const send = Worker.prototype.postMessage;
    vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, message: unknown) {
      thread = this;
      return send.call(this, message);
    });
    const lost = encoder.encode(longText);
    const waiting = encoder.encode(longText);
    await vi.waitUntil(() => thread);
    await thread!.terminate();
    await expect(lost).rejects.toMatchObject({ code: 'worker-died' });
    expect(await waiting).toEqual(encoder.tokenizer.encode(longText));
  });

  it('is refused with the reason if the file has gone', async () => {
    const encoder = await encoderOf('smollm.json');
    await rm(join(folder, 'smollm.json'));
    await expect(encoder.encode(longText)).rejects.toThrow(/smollm\.json/);
    expect((await encoder.encode('short')).length).toBeGreaterThan(0);
  });

  it('is refused after the release', async () => {
    const encoder = await encoderOf('gpt2.json');
    const [lost, waiting] = [encoder.encode(longText), encoder.encode(longText)].map(call =>
      call.catch(error => error),
    );
    await encoder.release();
    await encoder.release();
    for (const call of [lost, waiting, encoder.encode(longText).catch(error => error)]) {
      expect(await call).toMatchObject({ code: 'released' });
    }
  });
});

it('a short text needs no thread', async () => {
  const encoder = await encoderOf('gpt2.json');
  const sent = vi.spyOn(Worker.prototype, 'postMessage');
  expect(await encoder.encode('two birds')).toEqual(encoder.tokenizer.encode('two birds'));
  expect(sent).not.toHaveBeenCalled();
});
