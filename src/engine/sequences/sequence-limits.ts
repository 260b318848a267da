/** How much memory sequences may take. */
import { totalmem } from 'node:os';
import { DuetError } from '../../core/errors.ts';

/** Bytes that all sequences of a process may take together unless a caller says otherwise: a quarter of what there is. */
export function defaultMaxBytes(): number {
  // In a container with a limit the machine's memory is not what there is.
  const limit = process.constrainedMemory() || Number.POSITIVE_INFINITY;
  return Math.min(totalmem(), limit) / 4;
}

const mebibytes = (bytes: number) => `${Math.ceil(bytes / 2 ** 20)} MiB`;

/** The error of sequences that do not fit into the `maxBytes` allowed to them. */
export function sequencesFull(needed: number, maxBytes: number): DuetError {
  return new DuetError(
    'memory-full',
    `The sequences need ${mebibytes(needed)}, and may take ${mebibytes(maxBytes)}. Drop some, make them shorter, or allow more (maxBytes).`,
  );
}

/** The error of sequences with which the inference process would take more than its memory ceiling. */
export function ceilingReached(growth: number, resident: number, ceiling: number): DuetError {
  return new DuetError(
    'memory-full',
    `The sequences need ${mebibytes(growth)} more, and the inference process has ${mebibytes(resident)} of the ${mebibytes(ceiling)} that it may take. Drop some, make them shorter, or raise the ceiling (--max-memory).`,
  );
}
