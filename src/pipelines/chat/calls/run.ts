/** An answer as a call of the table: its events as progress, its pictures as samples. */
import type { AnySample, CallAnswer, CallResult, CallSettings, RunControls } from '../../pipeline.ts';
import type { InterleavedAnswer, InterleavedChatEvent } from '../events.ts';

/** The result of the call whose events are `events`. */
export async function runAnswer(
  events: AsyncIterable<InterleavedChatEvent>,
  settings: CallSettings,
  { onProgress }: RunControls,
): Promise<CallResult> {
  const started = performance.now();
  let read: number | undefined;
  let at = 0;
  const resultOf = (samples: readonly AnySample[], answer?: CallAnswer): CallResult => {
    const now = performance.now();
    // Pictures are decoded while the words go on, so that there is no time of decoding to tell.
    const times = { encode: (read ?? now) - started, sample: now - (read ?? now), decode: 0, total: now - started };
    const facts = { mode: 'chat', settings, timings: times, unknownWords: [], captionCut: false };
    return { ...facts, samples, ...(answer && { answer }) };
  };
  for await (const event of events) {
    read ??= performance.now();
    switch (event.type) {
      case 'text-delta':
        onProgress?.({ ...event, at });
        at += event.text.length;
        break;
      case 'image-started':
        onProgress?.({ ...event, at });
        break;
      case 'image-progress': {
        const { index, step, total } = event;
        onProgress?.({ type: 'step-progress', index, step, total });
        break;
      }
      case 'image-preview': {
        const { index, step, image } = event;
        const seeds = [event.seed];
        onProgress?.({ type: 'image-preview', step, images: [image], seeds, indices: [index] });
        break;
      }
      case 'image': {
        const { index, image, seed } = event;
        onProgress?.({ type: 'samples-end', indices: [index], result: resultOf([{ seed, image }]) });
        break;
      }
      case 'done':
        return resultOf(...partsOf(event.answer));
    }
  }
  throw new Error('A stream of events ends with the answer');
}

/** Its pictures, and the rest of it. */
function partsOf({
  content,
  finishReason,
  seed: first,
  promptTokens,
  answerTokens,
}: InterleavedAnswer): [readonly AnySample[], CallAnswer] {
  const samples: AnySample[] = [];
  const parts = content.map(part => {
    if (part.type === 'text') return part;
    const { seed, image } = part;
    return { type: 'image', index: samples.push({ seed, image }) - 1 } as const;
  });
  return [samples, { content: parts, finishReason, seed: first, promptTokens, answerTokens }];
}
