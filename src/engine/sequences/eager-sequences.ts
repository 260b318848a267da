/** Sequences of the eager devices: tensors of the backend, which forks share since nothing changes them. */
import * as tf from '@tensorflow/tfjs';
import { sequencesFull } from './sequence-limits.ts';
import { bytesPerPosition, type SequenceBackend, type SequenceLayout } from './sequence-store.ts';

interface Held {
  /** [length, ...] each. */
  readonly tensors: Readonly<Record<string, tf.Tensor>>;
  readonly length: number;
  /** Sequences that are this. */
  users: number;
}

/** Its methods that compute must be called on the backend that the tensors are for. */
export class EagerSequences implements SequenceBackend {
  readonly #layout: SequenceLayout;
  readonly #maxBytes: number;
  readonly #sequences = new Map<number, Held>();

  constructor(layout: SequenceLayout, maxBytes: number) {
    this.#layout = layout;
    this.#maxBytes = maxBytes;
  }

  fork(from: number, to: number): void {
    const held = this.#sequences.get(from);
    if (!held) return;
    held.users++;
    this.#sequences.set(to, held);
  }

  drop(id: number): void {
    const held = this.#sequences.get(id);
    this.#sequences.delete(id);
    if (!held || --held.users > 0) return;
    for (const tensor of Object.values(held.tensors)) tensor.dispose();
  }

  async release(): Promise<void> {
    for (const id of [...this.#sequences.keys()]) this.drop(id);
  }

  /** The sequences side by side, [B, P, ...] for the longest of P positions, zero behind the others' ends; `pastLengths` int32 [B]. */
  gather(ids: readonly number[]): Record<string, tf.Tensor> {
    const lengths = ids.map(id => this.#sequences.get(id)?.length ?? 0);
    const past = Math.max(0, ...lengths);
    const padded = (name: string, row: number): tf.Tensor => {
      const { shape, dtype } = this.#layout[name]!;
      const tensor = this.#sequences.get(ids[row]!)?.tensors[name];
      if (!tensor) return tf.zeros([past, ...shape], dtype);
      return tf.pad(tensor, [[0, past - lengths[row]!], ...shape.map((): [number, number] => [0, 0])]);
    };
    return {
      pastLengths: tf.tensor1d(lengths, 'int32'),
      ...Object.fromEntries(
        Object.keys(this.#layout).map(name => [name, tf.stack(ids.map((_, row) => padded(name, row)))]),
      ),
    };
  }

  /** Adds to each sequence its row of `added`, [B, N, ...] each; returns N. Throws `memory-full` if there is no room. */
  append(ids: readonly number[], added: Readonly<Record<string, tf.Tensor>>): number {
    const positions = Object.values(added)[0]?.shape[1] ?? 0;
    this.#assertRoom(ids, positions);
    for (const [row, id] of ids.entries()) {
      const old = this.#sequences.get(id);
      const tensors = Object.fromEntries(
        Object.entries(added).map(([name, tensor]) => {
          const size = [1, ...tensor.shape.slice(1)];
          const own = tensor.slice([row, ...size.slice(1).map(() => 0)], size).reshape(size.slice(1));
          return [name, tf.keep(old ? tf.concat([old.tensors[name]!, own]) : own.clone())];
        }),
      );
      this.drop(id);
      this.#sequences.set(id, { tensors, length: (old?.length ?? 0) + positions, users: 1 });
    }
    return positions;
  }

  #assertRoom(ids: readonly number[], positions: number): void {
    const held = new Set(this.#sequences.values());
    const present = [...held].reduce((sum, { length }) => sum + length, 0);
    const grown = ids.reduce((sum, id) => {
      const { users = 1, length = 0 } = this.#sequences.get(id) ?? {};
      return sum + positions + (users > 1 ? length : 0);
    }, 0);
    const needed = (present + grown) * bytesPerPosition(this.#layout);
    if (needed > this.#maxBytes) throw sequencesFull(needed, this.#maxBytes);
  }
}
