/** Restores the request that made a picture from the text in the picture's PNG chunk `duet`. */
import { type KnownRequest, modes } from './form.ts';
import type { JobMode } from './wire.ts';

/**
 * undefined: the text is not ours, or says nothing that a form could show. Names may be camelCase or snake_case.
 * @param solvers those that the server has; others are left out
 */
export function requestFromChunk(text: string, solvers: readonly string[] = []): KnownRequest | undefined {
  const read = parseObject(text);
  const mode = read?.['mode'];
  if (!read || typeof mode !== 'string' || !Object.hasOwn(modes, mode)) return undefined;
  const words = (...names: string[]) =>
    firstOf(read, names, value => typeof value === 'string' && value !== '') as string | undefined;
  const number = (...names: string[]) => firstOf(read, names, value => Number.isFinite(value)) as number | undefined;
  const found = {
    prompt: words('prompt'),
    prompt2: words('prompt2'),
    negative_prompt: words('negativePrompt', 'negative_prompt', 'negative'),
    seed: number('seed'),
    steps: number('steps'),
    guidance: number('guidance'),
    frames: number('frames'),
    rounds: number('rounds'),
    strength: number('strength'),
    order: words('order'),
    solver: solvers.find(name => name === words('solver')),
    noise_schedule: words('noiseSchedule', 'noise_schedule'),
  };
  const known = Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
  return { mode: mode as JobMode, n: 1, ...known };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function firstOf(
  read: Record<string, unknown>,
  names: readonly string[],
  isGood: (value: unknown) => boolean,
): unknown {
  return names.map(name => read[name]).find(isGood);
}
