/** The memories of sequences in the inference process, and the limits of what they take together. */

import { DuetError } from '../../core/errors.ts';
import { ceilingReached, defaultMaxBytes, sequencesFull } from '../sequences/sequence-limits.ts';
import { SequenceMemory } from '../sequences/sequence-memory.ts';
import type { SequenceLayout } from '../sequences/sequence-store.ts';
import { collectGarbage } from './collect-garbage.ts';

const memories = new Map<number, SequenceMemory>();

/** Bytes that this process may have resident. */
let ceiling: number | undefined;

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

function assertBelowCeiling(growth: number): void {
  if (ceiling === undefined || growth <= 0) return;
  const exceeds = () => process.memoryUsage.rss() + growth > ceiling!;
  if (!exceeds()) return;
  // What sequences have grown out of is resident until it is collected.
  collectGarbage();
  if (exceeds()) throw ceilingReached(growth, process.memoryUsage.rss(), ceiling);
}
