/** Options of calls that write text, checked before anything is read. */
import { DuetError } from '../../core/errors.ts';
import type { BeamOptions, TokenChoice } from '../../lm/index.ts';
import { type SearchOptions, searchOptions } from '../language/beam-options.ts';
import type { SamplingDefaults } from '../language/text-files.ts';
import { drawSeed } from '../seeds.ts';

export interface TextOptions extends SearchOptions {
  /** Most tokens to write. @default the model's, mostly 256, or as many as it still reads */
  readonly maxTokens?: number;
  /** 0 takes the most probable token each time; above 1 is more varied than the model. @default the model's, mostly 0 */
  readonly temperature?: number;
  /** Only the k most probable tokens count; 0: all do. @default the model's */
  readonly topK?: number;
  /** Only the most probable tokens that together have this probability count, in (0, 1]. @default the model's */
  readonly topP?: number;
  /** Only tokens count that are at least this times as probable as the most probable, in [0, 1]. @default the model's */
  readonly minP?: number;
  /** Above 1 discourages tokens that were in the text before. @default the model's */
  readonly repetitionPenalty?: number;
  /** The text depends on it alone, whatever is written beside it. @default random */
  readonly seed?: number;
  /** Texts before which the answer ends. */
  readonly stop?: string | readonly string[];
  /** Further tokens that end the answer. */
  readonly stopIds?: readonly number[];
  /** Whether the hidden state that each token was chosen from is returned. @default false */
  readonly withHidden?: boolean;
  /** Of calls that wait the one with the highest priority goes first. @default 0 */
  readonly priority?: number;
  /** Ends the call between two tokens. */
  readonly signal?: AbortSignal;
}

/** A call's options with every default filled in. */
export interface UsedOptions {
  readonly choice: TokenChoice;
  /** Where the text is searched for, and not chosen token by token. */
  readonly search?: BeamOptions;
  readonly seed: number;
  readonly maxTokens: number;
  readonly stop: readonly string[];
  readonly stopIds: readonly number[];
}

/**
 * @param room positions that are left behind the prompt
 * @throws DuetError 'invalid-argument'
 */
export function usedOptions(
  options: TextOptions,
  {
    defaults,
    stopIds,
    room,
  }: { readonly defaults: SamplingDefaults; readonly stopIds: readonly number[]; readonly room: number },
): UsedOptions {
  const { beams: _, lengthPenalty: _penalty, earlyStopping: _early, maxTokens: usual = 256, ...own } = defaults;
  const { maxTokens = Math.min(usual, room), seed = drawSeed(1), stop = [] } = options;
  if (!Number.isSafeInteger(maxTokens) || maxTokens < 1) {
    throw new DuetError('invalid-argument', `maxTokens must be a whole number from 1 on, got ${maxTokens}`, {
      field: 'maxTokens',
    });
  }
  if (!Number.isSafeInteger(seed) || seed < 0 || seed >= 2 ** 32) {
    throw new DuetError('invalid-argument', `seed must be a whole number from 0 to ${2 ** 32 - 1}, got ${seed}`, {
      field: 'seed',
    });
  }
  const names = ['temperature', 'topK', 'topP', 'minP', 'repetitionPenalty'] as const;
  const given = names.flatMap(name => (options[name] === undefined ? [] : [[name, options[name]] as const]));
  const { topK, ...others }: TokenChoice = { ...own, ...Object.fromEntries(given), seed };
  const choice: TokenChoice = { ...others, ...(topK !== undefined && topK !== 0 && { topK }) };
  const { repetitionPenalty = 1 } = choice;
  const search = searchOptions(options, defaults);
  return {
    choice,
    ...(search && { search: { ...search, repetitionPenalty } }),
    seed,
    maxTokens: Math.min(maxTokens, room),
    stop: [stop].flat(),
    stopIds: [...stopIds, ...(options.stopIds ?? [])],
  };
}
