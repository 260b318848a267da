/** The memories of sequences in the inference process, and the limits of what they take together. */

import { DuetError } from '../../core/errors.ts';
import { ceilingReached, defaultMaxBytes, sequencesFull } from '../sequences/sequence-limits.ts';
import { SequenceMemory } from '../sequences/sequence-memory.ts';
import type { SequenceLayout } from '../sequences/sequence-store.ts';
import { collectGarbage } from './collect-garbage.ts';

const memories = new Map<number, SequenceMemory>();

/** Bytes that this process may have resident. */
let ceiling: number | undefined;

/** The most that all sequences have taken so far, in bytes. */
let mostBytes = 0;

export function setCeiling(bytes: number | undefined): void {
  ceiling = bytes;
}

/** @param maxBytes the most that it may take. @default all memories without a limit of their own share one */
export function openMemory(id: number, layout: SequenceLayout, maxBytes: number | undefined): void {
  const memory: SequenceMemory = new SequenceMemory(layout, growth => {
    const [needed, most] =
      maxBytes === undefined ? [sequenceBytes() + growth, defaultMaxBytes()] : [memory.bytes + growth, maxBytes];
    if (needed > most) throw sequencesFull(needed, most);
    assertBelowCeiling(growth);
  });
  memories.set(id, memory);
}

export function memoryOf(id: number): SequenceMemory {
  const memory = memories.get(id);
  if (!memory) throw new DuetError('released', 'The sequences were released while they were extended');
  return memory;
}

export function closeMemory(id: number): void {
  memories.delete(id);
}

/** What all sequences take, in bytes. */
export function sequenceBytes(): number {
  return [...memories.values()].reduce((sum, { bytes }) => sum + bytes, 0);
}

/**
 * What sequences had before is not asked for again: the C library may keep it resident when it is free, so it would count
 * twice.
 */
function assertBelowCeiling(growth: number): void {
  const needed = sequenceBytes() + growth;
  const more = needed - mostBytes;
  if (more <= 0) return;
  const limit = ceiling ?? Number.POSITIVE_INFINITY;
  const exceeds = () => process.memoryUsage.rss() + more > limit;
  if (ceiling !== undefined && exceeds()) {
    // What sequences have grown out of is resident until it is collected.
    collectGarbage();
    if (exceeds()) throw ceilingReached(more, process.memoryUsage.rss(), limit);
  }
  mostBytes = needed;
}
