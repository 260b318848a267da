/**
 * What sequences were extended by, from their beginnings: enough to compute again what another process held of them. Forks
 * share the part of their history that they have in common, as nodes of a tree.
 */
import { type HostTensor, sizeOf } from '../../core/host-tensor.ts';
import type { Group } from './extend-rows.ts';
import { emptyLike, rowOf, type Tensors } from './row-groups.ts';

/** Extends sequences of the inference process; what it computes beside that is not needed. */
export type Extend = (group: Group, signal: AbortSignal | undefined) => Promise<unknown>;

/** One extension of a sequence, after those that came before. */
export interface Extension {
  readonly previous: Extension | undefined;
  /** The same for all whose histories begin with the same extension. */
  readonly family: symbol;
  /** Positions of the sequence before it. */
  readonly length: number;
  readonly extend: Extend;
  /** Positions that one call may add if it does what several calls for the same positions do, else 0. */
  readonly joinedPositions: number;
  /** The program's inputs, [B, ...] each, and the row that is this extension's. The engine's own: no caller changes them. */
  readonly stack: Tensors;
  readonly row: number;
}

/** The part of a tree of histories that leads to some extensions. */
export interface HistoryTree {
  readonly firsts: readonly Extension[];
  /** The extensions that come right after each. */
  readonly next: ReadonlyMap<Extension, readonly Extension[]>;
}

export function treeOf(ends: Iterable<Extension>): HistoryTree {
  const firsts: Extension[] = [];
  const next = new Map<Extension, Extension[]>();
  for (const end of ends) {
    let following: Extension | undefined;
    for (let at: Extension | undefined = end; at; at = at.previous) {
      const known = next.get(at);
      if (following) known ? known.push(following) : next.set(at, [following]);
      else if (!known) next.set(at, []);
      if (known) break; // what leads here was seen with another end
      if (!at.previous) firsts.push(at);
      following = at;
    }
  }
  return { firsts, next };
}

/**
 * `first` and those right after it that one call can stand for: the same program's, with nothing else that goes on or ends
 * between them.
 */
export function chainFrom(
  first: Extension,
  next: HistoryTree['next'],
  isEnd: (extension: Extension) => boolean,
): readonly Extension[] {
  const chain = [first];
  let positions = positionsOf(first);
  for (let last = first; ; ) {
    const following = next.get(last) ?? [];
    const [only] = following;
    if (!only || following.length > 1 || isEnd(last) || only.extend !== first.extend) return chain;
    positions += positionsOf(only);
    if (positions > first.joinedPositions) return chain;
    chain.push(only);
    last = only;
  }
}

/** The inputs of one call that does what those of `chain` do: joined at their first axis, which counts positions. */
export function joinInputs(chain: readonly Extension[]): Tensors {
  const [first] = chain;
  return Object.fromEntries(
    Object.entries(first?.stack ?? {}).map(([name, stacked]) => {
      const tensor = rowOf(stacked, first!.row);
      if (chain.length === 1) return [name, tensor];
      const own = chain.map(({ stack, row }) => rowOf(stack[name]!, row));
      const shape = [own.reduce((sum, { shape }) => sum + shape[0]!, 0), ...tensor.shape.slice(1)];
      const data = emptyLike(tensor, sizeOf(shape));
      let at = 0;
      for (const each of own) {
        data.set(each.data, at);
        at += each.data.length;
      }
      return [name, { dtype: tensor.dtype, shape, data } satisfies HostTensor];
    }),
  );
}

function positionsOf({ stack }: Extension): number {
  return Object.values(stack)[0]?.shape[1] ?? 0;
}
