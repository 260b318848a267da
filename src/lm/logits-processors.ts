/**
 * Logits processors as in transformers: each returns new logits, in which the tokens that it excludes are -Infinity. They
 * are applied in transformers' order: repetition penalty, temperature, top-k, top-p, min-p (docs/reference/clip-and-gpt2.md).
 */
import { DuetError } from '../core/errors.ts';
import { requireWhole } from './require-whole.ts';

export interface LogitsOptions {
  /** A seen token's logit is divided by this if positive, multiplied if negative; above 1 discourages. @default 1 */
  readonly repetitionPenalty?: number;
  /** Divides the logits; above 1 flattens. @default 1 */
  readonly temperature?: number;
  /** Keep the k largest logits (and ties of the k-th). @default all */
  readonly topK?: number;
  /** Keep the most probable tokens whose mass reaches this, at least one. In (0, 1]. @default 1 */
  readonly topP?: number;
  /** Keep the tokens that are at least this times as probable as the most probable. In [0, 1]. @default 0 */
  readonly minP?: number;
}

/** Logits [V] after the processors named in `options`; `seen`: the ids that the repetition penalty looks at. */
export function processLogits(logits: Float32Array, options: LogitsOptions, seen: Iterable<number> = []): Float32Array {
  let current = logits;
  if (options.repetitionPenalty !== undefined) current = penaliseRepetition(current, seen, options.repetitionPenalty);
  if (options.temperature !== undefined) current = applyTemperature(current, options.temperature);
  if (options.topK !== undefined) current = keepTopK(current, options.topK);
  if (options.topP !== undefined) current = keepTopP(current, options.topP);
  if (options.minP !== undefined) current = keepMinP(current, options.minP);
  return current;
}

/** Logits, or log probabilities. Each id counts once, however often it was seen (Keskar et al. 2019, CTRL). */
export function penaliseRepetition<T extends Float32Array | Float64Array>(
  logits: T,
  seen: Iterable<number>,
  penalty: number,
): T {
  requirePositive('repetitionPenalty', penalty);
  const out = logits.slice() as T; // a slice is of the type of what it is of
  for (const id of new Set(seen)) {
    const logit = logits[id];
    if (logit !== undefined) out[id] = logit > 0 ? logit / penalty : logit * penalty;
  }
  return out;
}

function applyTemperature(logits: Float32Array, temperature: number): Float32Array {
  requirePositive('temperature', temperature);
  return logits.map(logit => logit / temperature);
}

export function keepTopK(logits: Float32Array, k: number): Float32Array {
  requireWhole({ topK: k });
  if (k >= logits.length) return logits;
  const kth = Float32Array.from(logits).sort()[logits.length - k]!;
  return logits.map(logit => (logit < kth ? Number.NEGATIVE_INFINITY : logit));
}

/** Nucleus filter (Holtzman et al. 2020): a token goes if the more probable ones before it already hold mass p. */
export function keepTopP(logits: Float32Array, p: number): Float32Array {
  if (!(p > 0 && p <= 1)) throw new DuetError('invalid-argument', `topP must be above 0 and at most 1, got ${p}`);
  const probabilities = softmax(logits);
  const out = new Float32Array(logits.length).fill(Number.NEGATIVE_INFINITY);
  let before = 0;
  for (const id of sortedIds(probabilities)) {
    if (before >= p && before > 0) break;
    out[id] = logits[id]!;
    before += probabilities[id]!;
  }
  return out;
}

/** Min-p filter (Nguyen et al. 2024, arXiv 2407.01082, section 3); the most probable token always stays. */
function keepMinP(logits: Float32Array, p: number): Float32Array {
  if (!(p >= 0 && p <= 1)) throw new DuetError('invalid-argument', `minP must be from 0 to 1, got ${p}`);
  if (p === 0) return logits;
  const probabilities = softmax(logits);
  const floor = p * probabilities.reduce((largest, value) => Math.max(largest, value), 0);
  return logits.map((logit, id) => (probabilities[id]! < floor ? Number.NEGATIVE_INFINITY : logit));
}

/** Probabilities [V] in float64. */
export function softmax(logits: ArrayLike<number>): Float64Array {
  return logSoftmax(logits).map(Math.exp);
}

/** Log probabilities [V] in float64. */
export function logSoftmax(logits: ArrayLike<number>): Float64Array {
  const out = new Float64Array(logits);
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < out.length; i++) largest = Math.max(largest, out[i]!);
  let total = 0;
  for (let i = 0; i < out.length; i++) total += Math.exp(out[i]! - largest);
  const shift = largest + Math.log(total);
  for (let i = 0; i < out.length; i++) out[i]! -= shift;
  return out;
}

function sortedIds(probabilities: Float64Array): Uint32Array {
  const ids = Uint32Array.from(probabilities, (_, id) => id);
  return ids.sort((a, b) => probabilities[b]! - probabilities[a]! || a - b);
}

function requirePositive(name: string, value: number): void {
  if (!(value > 0)) throw new DuetError('invalid-argument', `${name} must be above 0, got ${value}`);
}
