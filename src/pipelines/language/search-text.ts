/** The most probable text behind a prompt, as far as beams find it. */
import {
  type BeamOptions,
  type CachedSequences,
  decodeCached,
  type Extension,
  lengthPenalisedBeams,
} from '../../lm/index.ts';

export interface FoundText {
  /** Without the token that ended it. */
  readonly ids: readonly number[];
  readonly finishReason: 'stop' | 'length';
}

export interface SearchLimits {
  readonly maxTokens: number;
  readonly stopIds: readonly number[];
  /** Ids that the repetition penalty looks at from the beginning. */
  readonly penalised: readonly number[];
  readonly signal?: AbortSignal | undefined;
}

export async function searchText<S>(
  prompt: Extension,
  sequences: CachedSequences<S>,
  options: BeamOptions,
  { maxTokens, stopIds, penalised, signal }: SearchLimits,
): Promise<FoundText> {
  const search = lengthPenalisedBeams(options, { maxTokens, endIds: stopIds, seen: penalised });
  const [best] = await decodeCached(search, prompt, sequences, { signal });
  const { tokens } = best!; // a search ends with as many as could be
  const isEnded = stopIds.includes(tokens.at(-1)!);
  return { ids: isEnded ? tokens.slice(0, -1) : tokens, finishReason: isEnded ? 'stop' : 'length' };
}
