/**
 * Messages between this process and the inference process that owns ONNX Runtime. Each is one frame (frames.ts): a header of
 * plain JSON and the bytes of its tensors, which are never cloned.
 */
import type { ErrorCode } from '../../core/errors.ts';
import type { HostTensor } from '../../core/host-tensor.ts';
import type { SequenceOperation } from '../sequences/sequence-memory.ts';
import type { SequenceLayout } from '../sequences/sequence-store.ts';

export type Tensors = Readonly<Record<string, HostTensor>>;

export type Request =
  | {
      readonly kind: 'load';
      readonly session: number;
      readonly modelFile: string;
      readonly weightsFolder?: string;
      readonly threads: number;
      /** Whether the shapes of its inputs differ between runs. */
      readonly hasNamedDimensions: boolean;
    }
  /** Adds tensors to a store that sessions of one executable share. */
  | {
      readonly kind: 'put';
      readonly store: number;
      readonly tensors: Tensors;
      /** Whether runs change what is stored, so that it is lost with the process. */
      readonly isState: boolean;
    }
  | { readonly kind: 'get'; readonly store: number; readonly names: readonly string[] }
  | {
      readonly kind: 'run';
      readonly session: number;
      readonly store: number;
      /** Feeds of the graph beside the store's tensors. */
      readonly tensors: Tensors;
      readonly fetches: readonly string[];
      /** Graph output that replaces the named tensor of the store. */
      readonly feedback: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'release'; readonly sessions: readonly number[]; readonly store: number }
  | {
      readonly kind: 'open-sequences';
      readonly memory: number;
      readonly layout: SequenceLayout;
      /** The most that they may take. @default all memories without a limit of their own share one */
      readonly maxBytes: number | undefined;
    }
  /**
   * A run that reads sequences as inputs and adds outputs to them; `restore` if another process held them. Its operations are
   * done even if the run is cancelled.
   */
  | {
      readonly kind: 'extend' | 'restore';
      readonly session: number;
      readonly store: number;
      readonly memory: number;
      readonly operations: readonly SequenceOperation[];
      readonly sequences: readonly number[];
      /** Feeds of the graph beside the store's tensors and the sequences. */
      readonly tensors: Tensors;
      readonly fetches: readonly string[];
      /** Graph output that is added to the tensor of that name of each sequence. */
      readonly added: Readonly<Record<string, string>>;
      /** Bytes that the process may have resident with what the sequences grow by. */
      readonly ceiling: number | undefined;
    }
  | {
      readonly kind: 'update-sequences';
      readonly memory: number;
      readonly operations: readonly SequenceOperation[];
    }
  | { readonly kind: 'close-sequences'; readonly memory: number };

/** Name of the tensor in the answer to 'extend' that says how many positions each sequence has got, int32 []. */
export const addedPositions = 'added-positions';

/** A request without its tensors, which follow the header. */
type HeaderOf<R> = R extends Request ? Omit<R, 'tensors'> : never;

export type RequestHeader =
  | (HeaderOf<Request> & { readonly id: number })
  /** The answer to request `id` is not needed any more: it is not computed if its turn has not come yet. */
  | { readonly kind: 'cancel'; readonly id: number };

/** Memory of the inference process in bytes. */
export interface ProcessSize {
  readonly resident: number;
  /** What sequences take of it. */
  readonly sequences: number;
}

export type ReplyHeader =
  /** Sent once, when ONNX Runtime is loaded. */
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'done';
      readonly id: number;
      /** Measured after a model was loaded, else a few times a second at most. */
      readonly size?: ProcessSize;
    }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string; readonly code?: ErrorCode };
