/** The thread of a {@link PromptEncoder}: it reads the tokenizer's file once and answers text after text. */
import { parentPort, workerData } from 'node:worker_threads';
import { DuetError } from '../core/errors.ts';
import type { EncodedText, TextToEncode } from './prompt-encoder.ts';
import { readTokenizer, type TokenizerSource } from './read-tokenizer.ts';

// Its maker sends it nothing else.
const tokenizer = readTokenizer(workerData as TokenizerSource);

parentPort!.on('message', async ({ id, text, options }: TextToEncode) => {
  const answer = await encoded().catch(faultOf);
  parentPort!.postMessage(answer, 'ids' in answer ? [answer.ids.buffer] : []);

  async function encoded(): Promise<EncodedText> {
    return { id, ids: Int32Array.from((await tokenizer).encode(text, options)) };
  }

  function faultOf(error: unknown): EncodedText {
    const message = error instanceof Error ? error.message : String(error);
    return { id, fault: { message, ...(DuetError.isInstance(error) && { code: error.code }) } };
  }
});
