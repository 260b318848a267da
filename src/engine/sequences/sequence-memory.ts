/**
 * The memory of sequences in the inference process. A sequence is a list of parts, the beginnings of growing segments; most
 * have one part. Forks share segments: the first to go on writes behind the rows that all have, which the others do not look
 * at, and those that come later begin a segment of their own. The one sequence of a call is read where it lies if it has one
 * part.
 */
import { DuetError } from '../../core/errors.ts';
import { type HostTensor, sizeOf } from '../../core/host-tensor.ts';
import { bytesPerPosition, type SequenceLayout } from './sequence-store.ts';

/** Segments grow to twice their size, but by this many positions at most: a long sequence must not waste as much again. */
const largestGrowth = 256;
/**
 * Positions that a segment holds at least, and a multiple of. A fork that finds fewer in its last part copies them instead of
 * beginning another, so that sequences have few parts.
 */
const block = 16;
/** Memory of sequences side by side is for a multiple of so many positions each. */
const batchBlock = 64;

type Data = HostTensor['data'];

const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

interface Segment {
  readonly data: Readonly<Record<string, Data>>;
  /** Positions that there is room for. */
  readonly capacity: number;
  /** Positions that some sequence has written. */
  written: number;
  /** Sequences that have a part of it. */
  users: number;
}

/** The first `count` positions of a segment. */
interface Part {
  readonly segment: Segment;
  count: number;
}

interface Held {
  length: number;
  readonly parts: Part[];
}

/** An operation on sequences by their numbers. */
export type SequenceOperation = readonly [kind: 'fork', from: number, to: number] | readonly [kind: 'drop', id: number];

export class SequenceMemory {
  readonly #layout: SequenceLayout;
  readonly #assertRoom: (growth: number) => void;
  readonly #bytesPerPosition: number;
  /** The layout with single bytes last, so that all others begin at multiples of their size. */
  readonly #byAlignment: readonly (readonly [string, SequenceLayout[string]])[];
  readonly #sequences = new Map<number, Held>();
  /** Memory of sequences side by side, used again by the next call. */
  #batch = new ArrayBuffer(0);
  #segmentBytes = 0;

  /** @param assertRoom throws if there is no room for this to take so many bytes more */
  constructor(layout: SequenceLayout, assertRoom: (growth: number) => void) {
    this.#layout = layout;
    this.#assertRoom = assertRoom;
    this.#bytesPerPosition = bytesPerPosition(layout);
    this.#byAlignment = Object.entries(layout).sort(
      ([, a], [, b]) => Number(a.dtype === 'bool') - Number(b.dtype === 'bool'),
    );
  }

  /** What the sequences take, with the memory in which they are laid side by side, in bytes. */
  get bytes(): number {
    return this.#segmentBytes + this.#batch.byteLength;
  }

  apply(operations: readonly SequenceOperation[]): void {
    for (const operation of operations) {
      if (operation[0] === 'fork') this.#fork(operation[1], operation[2]);
      else this.#drop(operation[1]);
    }
  }

  /**
   * The tensors of the given sequences side by side: [B, P, ...] for the longest of P positions, zero behind the others' ends,
   * and `pastLengths` int32 [B]. Valid until the next call.
   * @throws DuetError 'memory-full' if there is no room to lay them side by side
   */
  gather(ids: readonly number[]): Record<string, HostTensor> {
    const held = ids.map(id => this.#held(id));
    const past = Math.max(0, ...held.map(({ length }) => length));
    const pastLengths = Int32Array.from(held, ({ length }) => length);
    const gathered: Record<string, HostTensor> = {
      pastLengths: { dtype: 'int32', shape: [ids.length], data: pastLengths },
    };
    const [first] = held;
    const data =
      first && held.length === 1 && first.parts.length === 1
        ? first.parts[0]!.segment.data
        : this.#sideBySide(held, past);
    for (const [name, { dtype, shape }] of Object.entries(this.#layout)) {
      const size = ids.length * past * sizeOf(shape);
      gathered[name] = { dtype, shape: [ids.length, past, ...shape], data: data[name]!.subarray(0, size) };
    }
    return gathered;
  }

  /**
   * Adds to each sequence its row of `added`, tensors [B, N, ...].
   * @returns N
   * @throws DuetError 'memory-full' if there is no room; then nothing is changed
   */
  append(ids: readonly number[], added: Readonly<Record<string, HostTensor>>): number {
    const positions = Object.values(added)[0]?.shape[1] ?? 0;
    if (positions === 0) return 0;
    const held = ids.map(id => this.#held(id));
    this.#makeRoom(held, positions);
    for (const [row, sequence] of held.entries()) {
      const part = sequence.parts.at(-1)!;
      for (const [name, target] of Object.entries(part.segment.data)) {
        const width = sizeOf(this.#layout[name]!.shape);
        const source = added[name]!.data.subarray(row * positions * width, (row + 1) * positions * width);
        target.set(source, part.count * width);
      }
      part.count += positions;
      part.segment.written = part.count;
      sequence.length += positions;
    }
    return positions;
  }

  /** Makes the last part of each sequence one with room for `positions` more that no other sequence sees. */
  #makeRoom(held: readonly Held[], positions: number): void {
    const taken = new Set<Segment>();
    const moves = held.flatMap(sequence => {
      const part = sequence.parts.at(-1);
      const isOwn = part !== undefined && !taken.has(part.segment) && isOwnEnd(part);
      if (isOwn && part.count + positions <= part.segment.capacity) {
        taken.add(part.segment);
        return [];
      }
      // What only this sequence has grows in one piece; what it shares is copied only if it is little.
      const grows = isOwn && part.segment.users === 1;
      const copied = part && (grows || part.count < block) ? part : undefined;
      return [
        {
          sequence,
          copied,
          capacity: capacityFor((copied?.count ?? 0) + positions, grows ? part.segment.capacity : 0),
        },
      ];
    });
    const needed = moves.reduce((sum, { capacity }) => sum + capacity, 0) * this.#bytesPerPosition;
    const freed = moves.reduce(
      (sum, { copied }) => sum + (copied?.segment.users === 1 ? this.#size(copied.segment) : 0),
      0,
    );
    this.#assertRoom(needed - freed);
    for (const { sequence, copied, capacity } of moves) {
      const segment = this.#newSegment(capacity);
      if (copied) {
        for (const [name, target] of Object.entries(segment.data)) {
          target.set(copied.segment.data[name]!.subarray(0, copied.count * sizeOf(this.#layout[name]!.shape)));
        }
        sequence.parts.pop();
        this.#leave(copied.segment);
      }
      sequence.parts.push({ segment, count: copied?.count ?? 0 });
    }
  }

  /** One piece of memory for all tensors. */
  #newSegment(capacity: number): Segment {
    const data = this.#tensorsIn(new ArrayBuffer(capacity * this.#bytesPerPosition), capacity);
    this.#segmentBytes += capacity * this.#bytesPerPosition;
    return { data, capacity, written: 0, users: 1 };
  }

  /** The tensors of so many positions, one after the other in `memory`. */
  #tensorsIn(memory: ArrayBuffer, positions: number): Record<string, Data> {
    let offset = 0;
    const data: Record<string, Data> = {};
    for (const [name, { dtype, shape }] of this.#byAlignment) {
      data[name] = new arrays[dtype](memory, offset, positions * sizeOf(shape));
      offset += data[name].byteLength;
    }
    return data;
  }

  #sideBySide(held: readonly Held[], past: number): Record<string, Data> {
    // With room for the next calls, which find the sequences longer.
    const positions = held.length * Math.ceil(past / batchBlock) * batchBlock;
    const bytes = positions * this.#bytesPerPosition;
    const known = this.#batch.byteLength;
    if (known < bytes || known > 2 * bytes) {
      this.#assertRoom(bytes - known);
      this.#batch = new ArrayBuffer(bytes);
    }
    const data = this.#tensorsIn(this.#batch, positions);
    for (const [name, target] of Object.entries(data)) {
      const width = sizeOf(this.#layout[name]!.shape);
      for (const [row, { parts }] of held.entries()) {
        let at = row * past * width;
        for (const { segment, count } of parts) {
          target.set(segment.data[name]!.subarray(0, count * width), at);
          at += count * width;
        }
        target.fill(0, at, (row + 1) * past * width);
      }
    }
    return data;
  }

  #fork(from: number, to: number): void {
    const { length, parts } = this.#held(from);
    for (const { segment } of parts) segment.users++;
    this.#sequences.set(to, { length, parts: parts.map(part => ({ ...part })) });
  }

  #drop(id: number): void {
    for (const { segment } of this.#sequences.get(id)?.parts ?? []) this.#leave(segment);
    this.#sequences.delete(id);
    if (this.#sequences.size === 0) this.#batch = new ArrayBuffer(0);
  }

  #leave(segment: Segment): void {
    segment.users--;
    if (segment.users === 0) this.#segmentBytes -= this.#size(segment);
  }

  #held(id: number): Held {
    const known = this.#sequences.get(id);
    if (known) return known;
    const fresh: Held = { length: 0, parts: [] };
    this.#sequences.set(id, fresh);
    return fresh;
  }

  #size({ capacity }: Segment): number {
    return capacity * this.#bytesPerPosition;
  }
}

/** Whether the sequence of `part` may write behind it. */
function isOwnEnd({ segment, count }: Part): boolean {
  return segment.users === 1 || segment.written === count;
}

function capacityFor(needed: number, capacity: number): number {
  const wanted = Math.max(needed, capacity + Math.min(capacity, largestGrowth));
  return Math.ceil(wanted / block) * block;
}

/** Checks that a program adds to every tensor of `layout`. Throws `invalid-argument`. */
export function checkAdded(
  program: string,
  layout: SequenceLayout,
  outputs: Readonly<Record<string, { readonly dtype: string; readonly shape: readonly number[] }>>,
): void {
  const positions = Object.keys(layout).flatMap(name => outputs[name]?.shape[1] ?? [])[0];
  for (const [name, { dtype, shape }] of Object.entries(layout)) {
    const added = outputs[name];
    const [, count, ...position] = added?.shape ?? [];
    if (added?.dtype === dtype && count === positions && position.join() === shape.join()) continue;
    const got = added ? `${added.dtype} [${added.shape.join(', ')}]` : 'nothing';
    const wanted = ['batch', positions ?? 'added positions', ...shape].join(', ');
    throw new DuetError(
      'invalid-argument',
      `${program} must return what it adds to "${name}" as ${dtype} [${wanted}], as many positions as for the others, got ${got}`,
    );
  }
}
