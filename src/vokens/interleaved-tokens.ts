/**
 * An answer in which text and pictures alternate: tokens one by one, and for every picture the states from which the feature
 * mapper makes what a U-Net draws (Zheng et al., arXiv 2310.02239, section 3.2). The first voken is chosen like any token;
 * then all vokens are read at once, and the answer goes on behind them, with as many pictures as the model chooses to draw.
 */
import { DuetError } from '../core/errors.ts';
import type { HostTensor } from '../core/host-tensor.ts';
import { type CachedSequences, type Extension, readPrompt, type TokenChooser } from '../lm/index.ts';

/** Whether an answer has pictures: as the model chooses, one at its beginning at least, or none. */
export type DrawChoice = 'auto' | 'always' | 'never';

export interface InterleavedOptions {
  /** The ids of the vokens in their order, which together stand for one picture. */
  readonly vokens: readonly number[];
  readonly chooser: Pick<TokenChooser, 'choose'>;
  /** Most tokens; a picture counts as one. */
  readonly maxTokens: number;
  /** Positions that the model reads, of prompt and answer; a picture takes one for each voken. */
  readonly positions: number;
  /** Rows of tokens that end the answer and do not belong to it. @default none */
  readonly stops?: readonly (readonly number[])[];
  /** @default 'auto' */
  readonly draw?: DrawChoice;
  /** Most pictures; after them the model goes on without. @default as many as it draws */
  readonly maxImages?: number;
  /** Ids that the repetition penalty looks at from the beginning, beside those of the answer. @default none */
  readonly penalised?: readonly number[];
  /** Checked between two tokens. */
  readonly signal?: AbortSignal | undefined;
}

export type InterleavedEvent =
  | { readonly type: 'token'; readonly id: number }
  /** A picture: the states at its vokens, [vokens, W], each the one that predicts its voken. */
  | { readonly type: 'image'; readonly states: Float32Array };

export interface InterleavedEnd {
  readonly finishReason: 'stop' | 'length';
  /** All that was chosen, the stop among it; of each picture the first voken. */
  readonly ids: readonly number[];
}

/**
 * The events of the answer behind `prompt`. The sequence is dropped however this ends.
 * @throws DuetError 'invalid-argument' if a picture must be drawn and there is no room for one
 */
export async function* interleavedTokens<S>(
  prompt: Extension,
  sequences: CachedSequences<S>,
  options: InterleavedOptions,
): AsyncGenerator<InterleavedEvent, InterleavedEnd> {
  const { vokens, chooser, maxTokens, positions, stops = [], draw = 'auto', penalised = [], signal } = options;
  const maxImages = draw === 'never' ? 0 : (options.maxImages ?? Number.POSITIVE_INFINITY);
  const room = positions - prompt.ids.length;
  if (draw === 'always' && room < vokens.length) {
    throw new DuetError(
      'invalid-argument',
      `A picture takes ${vokens.length} positions, and the model has ${Math.max(room, 0)} left behind the prompt`,
    );
  }
  const sequence = sequences.create();
  const ids: number[] = [];
  let used = prompt.ids.length;
  let images = 0;
  let told = 0;
  /** Those from `told` on that are not kept back. */
  const telling = (upTo: number): InterleavedEvent[] => {
    const events = ids.slice(told, Math.max(upTo, told)).map(id => ({ type: 'token', id }) as const);
    told = Math.max(upTo, told);
    return events;
  };
  try {
    let next = await readPrompt(sequence, { ...prompt, withHidden: true }, sequences, { signal });
    for (;;) {
      const isForced = draw === 'always' && images === 0;
      const mayDraw = images < maxImages && used + vokens.length <= positions;
      const logits = withoutVokens(next.logits, vokens, { isForced, mayDraw });
      const id = chooser.choose(logits, [...penalised, ...ids]);
      ids.push(id);
      const added = id === vokens[0] ? vokens : [id];
      if (added === vokens) {
        yield* telling(ids.length - 1);
        told = ids.length;
        images++;
      } else {
        const stop = stops.find(end => endsWith(ids, end));
        yield* telling(ids.length - (stop?.length ?? keptBack(ids, stops)));
        if (stop) return { finishReason: 'stop', ids };
      }
      const isLast = ids.length >= maxTokens || used + added.length > positions;
      if (isLast && added !== vokens) break;
      signal?.throwIfAborted();
      const before = next.hidden!;
      [next] = (await sequences.extend([{ sequence, ids: added, withHidden: true }])) as [typeof next];
      used += added.length;
      if (added === vokens) yield { type: 'image', states: predictingStates(before, next.hidden!) };
      if (isLast) break;
    }
    yield* telling(ids.length);
    return { finishReason: 'length', ids };
  } finally {
    sequences.drop(sequence);
  }
}

/**
 * Logits in which vokens but the first are excluded, which nobody chooses one by one; the first as well if nothing may be
 * drawn; and all but it if a picture is forced.
 */
function withoutVokens(
  logits: Float32Array,
  [first, ...others]: readonly number[],
  { isForced, mayDraw }: { readonly isForced: boolean; readonly mayDraw: boolean },
): Float32Array {
  if (isForced) return logits.map((logit, id) => (id === first ? logit : Number.NEGATIVE_INFINITY));
  const out = Float32Array.from(logits);
  for (const id of mayDraw ? others : [first!, ...others]) out[id] = Number.NEGATIVE_INFINITY;
  return out;
}

function endsWith(ids: readonly number[], end: readonly number[]): boolean {
  return end.length > 0 && end.length <= ids.length && end.every((id, at) => id === ids[ids.length - end.length + at]);
}

/** How many of the last ids may be the beginning of a stop. */
function keptBack(ids: readonly number[], stops: readonly (readonly number[])[]): number {
  const beginnings = stops.flatMap(stop => stop.slice(1).map((_, length) => stop.slice(0, length + 1)));
  return Math.max(0, ...beginnings.filter(beginning => endsWith(ids, beginning)).map(({ length }) => length));
}

/**
 * The states that predict each voken, [V, W]: the last one before the vokens, and those at all vokens but the last.
 * @param before states of the positions before, [N, W]
 * @param at states at the vokens, [V, W]
 */
function predictingStates(before: HostTensor, at: HostTensor): Float32Array {
  const width = at.shape.at(-1)!;
  const states = new Float32Array(at.data.length);
  states.set(before.data.subarray(before.data.length - width));
  states.set(at.data.subarray(0, at.data.length - width), width);
  return states;
}
