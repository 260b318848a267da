/** The debugging switch of the engine: `DUET_DEBUG` says what is written down, `DUET_DEBUG_FOLDER` where. */
import { DuetError } from '../../core/errors.ts';

/** The kinds of debugging output, and what each writes. */
const kinds = {
  graphs: 'every recorded graph as a text and as .onnx',
  times: 'time per node and per operator',
  compare: 'the first kernel of each program that differs from device reference',
} as const;

export type DebugKind = keyof typeof kinds;

/**
 * The kinds that `DUET_DEBUG` lists, separated by commas; none if it is not set.
 * @throws DuetError 'invalid-config' for an unknown word
 */
export function debugKinds(environment: NodeJS.ProcessEnv = process.env): ReadonlySet<DebugKind> {
  const words = (environment['DUET_DEBUG'] ?? '').split(',').map(word => word.trim());
  const found = new Set<DebugKind>();
  for (const word of words) {
    if (word === '') continue;
    if (!Object.hasOwn(kinds, word)) {
      const allowed = Object.entries(kinds).map(([kind, meaning]) => `"${kind}" (${meaning})`);
      throw new DuetError(
        'invalid-config',
        `DUET_DEBUG lists "${word}"; allowed are, separated by commas, ${allowed.join(', ')}`,
      );
    }
    found.add(word as DebugKind);
  }
  return found;
}

/** The folder for what is written down. @default ./duet-debug */
export function debugFolder(environment: NodeJS.ProcessEnv = process.env): string {
  return environment['DUET_DEBUG_FOLDER'] || 'duet-debug';
}
