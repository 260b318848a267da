import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { beamSearch, contentTokens } from './beam-search.ts';
import { type DecodingQuery, runDecoding } from './decoding.ts';
import { keepTopK, keepTopP, logSoftmax, processLogits, softmax } from './logits-processors.ts';

/** A model whose next-token logits depend on the whole sequence in a fixed, irregular way. */
function toyLogits(sequence: readonly number[], size: number, seed = 0): Float32Array {
  const hash = sequence.reduce((sum, token, index) => sum + (token + 1) * (index + 2), seed);
  return Float32Array.from({ length: size }, (_, id) => 3 * Math.sin(hash * 1.7 + id * id * 0.9));
}

const toy =
  (size: number) =>
  async ({ sequences }: DecodingQuery) =>
    sequences.map(sequence => ({ logits: toyLogits(sequence, size) }));

describe('logits processors', () => {
  it('keep the largest k, ties of the k-th included', () => {
    expect([...keepTopK(Float32Array.of(1, 3, 2, 2), 2)]).toEqual([-Infinity, 3, 2, 2]);
    expect([...keepTopK(Float32Array.of(1, 3), 9)]).toEqual([1, 3]);
  });
  it('keep at least one token and no more mass than needed', () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ min: -5, max: 5, noNaN: true }), { minLength: 1, maxLength: 20 }),
        fc.double({ min: 0.001, max: 1, noNaN: true }),
        (values, p) => {
          const logits = Float32Array.from(values);
          const kept = [...keepTopP(logits, p)].map(Number.isFinite);
          const masses = softmax(logits).filter((_, id) => kept[id]);
          const mass = masses.reduce((sum, value) => sum + value, 0);
          expect(masses.length).toBeGreaterThan(0);
          expect(mass).toBeGreaterThanOrEqual(p - 1e-9);
          expect(mass - Math.min(...masses)).toBeLessThan(p);
        },
      ),
    );
  });
  it('penalise each seen token once', () => {
    expect([...processLogits(Float32Array.of(2, -2, 1), { repetitionPenalty: 2 }, [0, 0, 1])]).toEqual([1, -4, 1]);
  });
  it('refuse values that make no sense', () => {
    const logits = Float32Array.of(1, 2);
    expect(() => processLogits(logits, { temperature: 0 })).toThrow(/temperature must be above 0/);
    expect(() => processLogits(logits, { topP: 1.5 })).toThrow(/at most 1, got 1.5/);
    expect(() => processLogits(logits, { topK: 0 })).toThrow(/topK must be a whole number from 1 on, got 0/);
  });
});

describe('beam search', () => {
  it('with all continuations kept finds the best average of all sequences', async () => {
    const size = 4;
    const maxTokens = 3;
    const beams = await runDecoding(beamSearch({ beams: size ** maxTokens, maxTokens, endIds: [] }), toy(size));
    const all: { tokens: number[]; average: number }[] = [];
    const visit = (tokens: number[], sum: number): void => {
      if (tokens.length === maxTokens) all.push({ tokens, average: sum / maxTokens });
      else logSoftmax(toyLogits(tokens, size)).forEach((value, id) => void visit([...tokens, id], sum + value));
    };
    visit([], 0);
    all.sort((a, b) => b.average - a.average);
    expect(beams).toHaveLength(all.length);
    beams.forEach((beam, rank) => void expect(beam.averageLogprob).toBeCloseTo(all[rank]!.average, 10));
    expect(beams[0]!.tokens).toEqual(all[0]!.tokens);
  });
  it('carries stopped beams on with token 0 and keeps their length', async () => {
    const beams = await runDecoding(beamSearch({ beams: 4, maxTokens: 10, endIds: [2] }), toy(5));
    for (const beam of beams) {
      const end = beam.tokens.indexOf(2);
      if (end >= 0) {
        expect(beam.length).toBe(end + 1);
        expect(beam.tokens.slice(end + 1).every(token => token === 0)).toBe(true);
        expect(contentTokens(beam, [2])).toEqual(beam.tokens.slice(0, end));
      }
    }
    expect(beams.map(beam => beam.averageLogprob)).toEqual(
      beams.map(beam => beam.averageLogprob).sort((a, b) => b - a),
    );
  });
  it('names the parent of each row, so that a cache can follow', async () => {
    let previous: readonly (readonly number[])[] = [[]];
    await runDecoding(beamSearch({ beams: 3, maxTokens: 6, endIds: [1] }), async query => {
      query.sequences.forEach((sequence, row) => {
        expect(sequence.slice(0, -1)).toEqual(previous[query.parents[row]!]);
      });
      previous = query.sequences.map(sequence => [...sequence]);
      return toy(6)(query);
    });
  });
  it('of one beam is greedy', async () => {
    const [beam] = await runDecoding(beamSearch({ beams: 1, maxTokens: 12, endIds: [] }), toy(7));
    for (const [index, token] of beam!.tokens.entries()) {
      const logits = toyLogits(beam!.tokens.slice(0, index), 7);
      expect(token).toBe(logits.indexOf(Math.max(...logits)));
    }
  });
  it('asks about beams that go on, and no others', async () => {
    const endId = 2;
    await runDecoding(beamSearch({ beams: 4, maxTokens: 10, endIds: [endId] }), async query => {
      for (const sequence of query.sequences) expect(sequence).not.toContain(endId);
      return toy(5)(query);
    });
  });
  it('stops at an abort', async () => {
    const signal = AbortSignal.abort();
    await expect(runDecoding(beamSearch({ endIds: [1] }), toy(5), { signal })).rejects.toThrow(/abort/i);
  });
  it('refuses impossible options', async () => {
    await expect(runDecoding(beamSearch({ beams: 0, endIds: [1] }), toy(3))).rejects.toThrow(/beams must be/);
  });
});
