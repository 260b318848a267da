/**
 * Messages between this process and the inference process that owns ONNX Runtime. Each is one frame (frames.ts): a header of
 * plain JSON and the bytes of its tensors, which are never cloned.
 */
import type { ErrorCode } from '../../core/errors.ts';
import type { HostTensor } from '../../core/host-tensor.ts';

export type Tensors = Readonly<Record<string, HostTensor>>;

export type Request =
  | {
      readonly kind: 'load';
      readonly session: number;
      readonly modelFile: string;
      readonly weightsFolder?: string;
      readonly threads: number;
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
  | { readonly kind: 'release'; readonly sessions: readonly number[]; readonly store: number };

/** A request without its tensors, which follow the header. */
type HeaderOf<R> = R extends Request ? Omit<R, 'tensors'> : never;

export type RequestHeader =
  | (HeaderOf<Request> & { readonly id: number })
  /** The answer to request `id` is not needed any more: it is not computed if its turn has not come yet. */
  | { readonly kind: 'cancel'; readonly id: number };

export type ReplyHeader =
  /** Sent once, when ONNX Runtime is loaded. */
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'done';
      readonly id: number;
      /** Resident size of the inference process in bytes, measured a few times a second at most. */
      readonly residentBytes?: number;
    }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string; readonly code?: ErrorCode };
