/**
 * Beam search of language models as transformers' `generate` does it (documentation of GenerationConfig: num_beams,
 * length_penalty, early_stopping): hypotheses that have ended are kept apart from the beams that go on, and are ranked by their
 * log probability divided by length^lengthPenalty (Wu et al. 2016, arXiv 1609.08144, section 7, in this simpler form).
 */
import type { Decoding } from './decoding.ts';
import { logSoftmax, penaliseRepetition } from './logits-processors.ts';
import { requireWhole } from './require-whole.ts';
import { type Candidate, TopCandidates } from './top-candidates.ts';

export interface BeamOptions {
  /** How many sequences go on at the same time. */
  readonly beams: number;
  /** Above 0 favours long sequences, below 0 short ones. @default 1 */
  readonly lengthPenalty?: number;
  /**
   * Whether the search ends once there are as many hypotheses as beams; if not, it ends where no beam seems able to become
   * better than these, or, by `never`, where none can. @default false
   */
  readonly earlyStopping?: boolean | 'never';
  /** Of the log probabilities of tokens that were there before. @default 1 */
  readonly repetitionPenalty?: number;
}

export interface BeamLimits {
  readonly maxTokens: number;
  /** Each ends a hypothesis, and is its last token. */
  readonly endIds: readonly number[];
  /** Ids that the repetition penalty looks at from the beginning. @default none */
  readonly seen?: readonly number[];
}

export interface Hypothesis {
  readonly tokens: readonly number[];
  /** The log probability, penalised. */
  readonly score: number;
}

interface Beam {
  readonly tokens: readonly number[];
  readonly score: number;
  /** The row of the last query that it continues. */
  readonly row: number;
}

/**
 * Up to `beams` hypotheses, best first.
 * @throws DuetError 'invalid-argument'
 */
export function* lengthPenalisedBeams(options: BeamOptions, limits: BeamLimits): Decoding<readonly Hypothesis[]> {
  const { beams, lengthPenalty = 1, earlyStopping = false, repetitionPenalty = 1 } = options;
  const { maxTokens, endIds, seen = [] } = limits;
  requireWhole({ beams, maxTokens });
  // All candidates of every beam may end, and as many are needed that go on.
  const kept = Math.max(2, 1 + endIds.length) * beams;
  let going: readonly Beam[] = [{ tokens: [], score: 0, row: 0 }];
  let ended: readonly Hypothesis[] = [];
  for (let length = 1; ; length++) {
    const answers = yield { sequences: going.map(({ tokens }) => tokens), parents: going.map(({ row }) => row) };
    const logprobs = answers.map(({ logits }, row) =>
      penaliseRepetition(logSoftmax(logits), [...seen, ...going[row]!.tokens], repetitionPenalty),
    );
    const candidates = best(going, logprobs, kept);
    const ends = ({ token }: Candidate) => length === maxTokens || endIds.includes(token);
    const isFull = () => ended.length === beams;
    if (!(earlyStopping === true && isFull())) {
      // Candidates beyond the first are there so that enough go on.
      const found = candidates.slice(0, beams).filter(ends);
      const scored = found.map(candidate => ({
        tokens: tokensOf(going, candidate),
        score: candidate.score / length ** lengthPenalty,
      }));
      ended = [...ended, ...scored].sort((a, b) => b.score - a.score).slice(0, beams);
    }
    const next = candidates.filter(candidate => !ends(candidate)).slice(0, beams);
    const [leading] = next;
    if (!leading || (earlyStopping === true && isFull())) return ended;
    const reach = earlyStopping === 'never' && lengthPenalty > 0 ? maxTokens : length;
    if (isFull() && leading.score / reach ** lengthPenalty <= ended.at(-1)!.score) return ended;
    going = next.map(candidate => ({
      tokens: tokensOf(going, candidate),
      score: candidate.score,
      row: candidate.beam,
    }));
  }
}

function tokensOf(going: readonly Beam[], { beam, token }: Candidate): number[] {
  return [...going[beam]!.tokens, token];
}

/** The `count` continuations with the highest log probabilities. */
function best(going: readonly Beam[], logprobs: readonly Float64Array[], count: number): readonly Candidate[] {
  const top = new TopCandidates(count);
  for (const [beam, { score }] of going.entries()) {
    const own = logprobs[beam]!;
    for (let token = 0; token < own.length; token++) top.offer(beam, token, score + own[token]!);
  }
  return top.list;
}
