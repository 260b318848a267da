/**
 * Messages between the main thread and the worker that owns ONNX Runtime. Answers are transferred, not copied; so are
 * inputs that are handed over.
 */
import type { HostTensor } from '../../core/host-tensor.ts';

export type Request =
  | {
      readonly kind: 'load';
      readonly session: number;
      readonly modelFile: string;
      readonly weightsFolder?: string;
      readonly threads: number;
    }
  /** Adds tensors to a store that sessions of one executable share. */
  | { readonly kind: 'put'; readonly store: number; readonly tensors: Record<string, HostTensor> }
  | { readonly kind: 'get'; readonly store: number; readonly names: readonly string[] }
  | {
      readonly kind: 'run';
      readonly session: number;
      readonly store: number;
      readonly feeds: Record<string, HostTensor>;
      readonly fetches: readonly string[];
      /** Graph output that replaces the named tensor of the store. */
      readonly feedback: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'release'; readonly sessions: readonly number[]; readonly store: number };

export type Reply =
  | { readonly id: number; readonly tensors: Record<string, HostTensor> }
  | { readonly id: number; readonly error: string };

export type Envelope = Request & { readonly id: number };
