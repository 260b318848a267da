import { describe, expect, it } from 'vitest';
import type { CachedSequences } from '../lm/index.ts';
import { TokenChooser } from '../lm/index.ts';
import { type InterleavedEvent, type InterleavedOptions, interleavedTokens } from './interleaved-tokens.ts';

const vokens = [7, 8, 9];
const vocabularySize = 10;

/**
 * A language model that says one token after the other of `script`, behind the vokens too. A state is the number of positions
 * that have been read with it.
 */
function scripted(script: readonly number[]) {
  const dropped: number[] = [];
  let read = 0;
  const sequences: CachedSequences<number> = {
    readsInParts: true,
    create: () => 1,
    fork: sequence => sequence,
    drop: sequence => dropped.push(sequence),
    extend: async rows =>
      rows.map(({ ids }) => {
        const states = Float32Array.from(ids, () => ++read);
        const logits = new Float32Array(vocabularySize);
        // The vokens but the first are the most probable of all, which must not matter.
        for (const id of vokens.slice(1)) logits[id] = 9;
        const [next, second = 0] = [script[told.length] ?? 0, 1];
        logits[second] = 1;
        logits[next] = 5;
        told.push(ids.length);
        return { logits, hidden: { dtype: 'float32', shape: [ids.length, 1], data: states } };
      }),
  };
  const told: number[] = [];
  return { sequences, dropped, reads: told };
}

async function answer(script: readonly number[], options: Partial<InterleavedOptions> = {}) {
  const model = scripted(script);
  const tokens = interleavedTokens({ ids: [1, 2] }, model.sequences, {
    vokens,
    chooser: new TokenChooser({}),
    maxTokens: 8,
    positions: 64,
    stops: [[3, 3, 4], [5]],
    ...options,
  });
  const events: (number | string)[] = [];
  const add = (event: InterleavedEvent) =>
    events.push(event.type === 'token' ? event.id : `states ${[...event.states].join(' ')}`);
  for (;;) {
    const next = await tokens.next();
    if (next.done) return { events, ...next.value, dropped: model.dropped, reads: model.reads };
    add(next.value);
  }
}

describe('an answer', () => {
  it('has a picture for every first voken, with the states that predict its vokens, and words behind it', async () => {
    const { events, ids, finishReason, reads, dropped } = await answer([6, 7, 6, 7, 6, 5]);
    // Positions 1 and 2 are the prompt's, 3 is the first word; the state at the last voken is not used.
    expect(events).toEqual([6, 'states 3 4 5', 6, 'states 7 8 9', 6]);
    expect({ ids, finishReason, dropped }).toEqual({ ids: [6, 7, 6, 7, 6, 5], finishReason: 'stop', dropped: [1] });
    expect(reads).toEqual([2, 1, 3, 1, 3, 1]);
  });

  it('keeps back what may be the beginning of a stop, and tells it once it is none', async () => {
    expect((await answer([3, 6, 3, 3, 3, 4])).events).toEqual([3, 6, 3]);
    expect((await answer([3, 3, 7, 3, 5])).events).toEqual([3, 3, 'states 4 5 6', 3]);
    expect((await answer([6, 3, 3], { maxTokens: 3 })).events).toEqual([6, 3, 3]);
  });

  it('that is long enough with a picture has its states all the same', async () => {
    const { events, finishReason } = await answer([6, 7], { maxTokens: 2 });
    expect(events).toEqual([6, 'states 3 4 5']);
    expect(finishReason).toBe('length');
  });

  it('has no picture if none is wanted, and one at its beginning if one is', async () => {
    expect((await answer([7, 5], { draw: 'never' })).events).toEqual([1]);
    expect((await answer([6, 7, 5], { draw: 'always' })).events).toEqual(['states 2 3 4', 'states 5 6 7']);
    expect((await answer([6, 6, 5], { draw: 'always' })).ids).toEqual([7, 6, 5]);
    expect((await answer([7, 7, 6, 7, 5], { maxImages: 1 })).ids).toEqual([7, 1, 6, 1, 5]);
  });

  it('ends, and draws nothing, where the model has no positions left', async () => {
    const { events, finishReason } = await answer([6, 7, 6], { positions: 5 });
    expect(events).toEqual([6, 1, 6, 0]);
    expect(finishReason).toBe('length');
    await expect(answer([6], { positions: 4, draw: 'always' })).rejects.toThrow(
      'A picture takes 3 positions, and the model has 2 left behind the prompt',
    );
  });

  it('is ended by a signal, and by whoever reads it', async () => {
    const controller = new AbortController();
    controller.abort(new Error('enough'));
    await expect(answer([6], { signal: controller.signal })).rejects.toThrow('enough');
    const model = scripted([6, 6, 6]);
    const options = { vokens, chooser: new TokenChooser({}), maxTokens: 8, positions: 64 };
    for await (const _ of interleavedTokens({ ids: [1] }, model.sequences, options)) break;
    expect(model.dropped).toEqual([1]);
  });
});
