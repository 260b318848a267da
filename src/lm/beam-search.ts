/**
 * Beam search of UniDiffuser's caption decoder (docs/reference/unidiffuser.md, "Captions"): beams are ranked by their mean
 * log probability, a stopped beam is continued with token 0 at log probability 0, and there is no other length penalty.
 */
import { DuetError } from '../core/errors.ts';
import type { Decoding } from './decoding.ts';
import { logSoftmax } from './logits-processors.ts';
import { requireWhole } from './require-whole.ts';
import { TopCandidates } from './top-candidates.ts';

export interface BeamSearchOptions {
  /** @default 5 */
  readonly beams?: number;
  /** @default 67 */
  readonly maxTokens?: number;
  /** A beam stops after each of these tokens. */
  readonly endIds: readonly number[];
  /** Divides the logits. @default 1 */
  readonly temperature?: number;
  /** The tokens that may follow a sequence, at least one. @default all */
  readonly allowed?: (tokens: readonly number[]) => ReadonlySet<number>;
}

export interface Beam {
  /** All tokens, including the end token; those after the first `length` are filler (0). */
  readonly tokens: readonly number[];
  /** Number of tokens before the filler, including the end token. */
  readonly length: number;
  readonly averageLogprob: number;
}

interface Live {
  readonly tokens: readonly number[];
  readonly length: number;
  /** Sum of log probabilities. */
  readonly score: number;
  readonly stopped: boolean;
  /** The row of the last query that it continues. */
  readonly row: number;
}

/** Beams of one sequence, best first. Token 0 fills stopped beams, whatever it means in the vocabulary. */
export function* beamSearch(options: BeamSearchOptions): Decoding<Beam[]> {
  const { beams = 5, maxTokens = 67, temperature = 1, endIds } = options;
  requireWhole({ beams, maxTokens });
  if (!(temperature > 0)) throw new DuetError('invalid-argument', `temperature must be above 0, got ${temperature}`);
  let live: readonly Live[] = [{ tokens: [], length: 0, score: 0, stopped: false, row: 0 }];
  for (let round = 0; round < maxTokens; round++) {
    const going = live.filter(beam => !beam.stopped);
    if (going.length === 0) break;
    const answers = yield { sequences: going.map(beam => beam.tokens), parents: going.map(beam => beam.row) };
    const logprobs = answers.map(({ logits }, row) => {
      const own = logSoftmax(temperature === 1 ? logits : logits.map(logit => logit / temperature));
      return options.allowed ? restrict(own, options.allowed(going[row]!.tokens)) : own;
    });
    live = extend(live, logprobs, beams, endIds);
  }
  const ranked = live.map(({ tokens, length, score }) => ({ tokens, length, averageLogprob: score / length }));
  return ranked.sort((a, b) => b.averageLogprob - a.averageLogprob);
}

/** The tokens of a beam that count, without the end token. */
export function contentTokens(beam: Beam, endIds: readonly number[]): number[] {
  const tokens = beam.tokens.slice(0, beam.length);
  return endIds.includes(tokens.at(-1)!) ? tokens.slice(0, -1) : tokens;
}

/** `logprobs` with minus infinity for all tokens but the `allowed`, whose log probabilities stay what they are. */
function restrict(logprobs: Float64Array, allowed: ReadonlySet<number>): Float64Array {
  return logprobs.map((logprob, token) => (allowed.has(token) ? logprob : Number.NEGATIVE_INFINITY));
}

/**
 * One round: the best continuations of all beams by average log probability.
 * @param logprobs of the next token [V], for each beam that has not stopped
 */
function extend(
  live: readonly Live[],
  logprobs: readonly Float64Array[],
  beams: number,
  endIds: readonly number[],
): Live[] {
  const best = new TopCandidates(beams);
  const rows: number[] = [];
  let going = 0;
  for (const [index, beam] of live.entries()) {
    rows.push(going);
    if (beam.stopped) {
      best.offer(index, 0, beam.score / beam.length);
      continue;
    }
    const row = logprobs[going++]!;
    for (let token = 0; token < row.length; token++) {
      if (row[token] === Number.NEGATIVE_INFINITY) continue; // not allowed
      best.offer(index, token, (beam.score + row[token]!) / (beam.length + 1));
    }
  }
  return best.list.map(({ beam, token, score: average }) => {
    const parent = live[beam]!;
    const length = parent.length + (parent.stopped ? 0 : 1);
    return {
      tokens: [...parent.tokens, token],
      length,
      score: average * length,
      stopped: parent.stopped || endIds.includes(token),
      row: rows[beam]!,
    };
  });
}
