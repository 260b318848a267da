/** How long an answer with one picture takes: to its first words, to the first glimpse of the picture, and as a whole. */
import type { StreamedChat } from './chat-model.ts';
import type { Figure } from './report.ts';
import { median } from './statistics.ts';

export interface ChatSpeedOptions {
  /** Reads a clock, in milliseconds: `() => performance.now()`. */
  readonly clock: () => number;
  /** @default 5 */
  readonly repeats?: number;
  /** A request that is answered with one picture. */
  readonly request?: string;
  readonly signal?: AbortSignal;
}

const moments = {
  text: 'first words',
  preview: 'first preview of a picture',
  done: 'answer with one picture',
} as const;

/** Medians of answers after a first one, which loads what is needed. */
export async function measureChatSpeed(model: StreamedChat, options: ChatSpeedOptions): Promise<Figure[]> {
  const { clock, repeats = 5, request = 'Draw a fox to the left of a house.', signal } = options;
  const times: Record<keyof typeof moments, number[]> = { text: [], preview: [], done: [] };
  for (let seed = 0; seed <= repeats; seed++) {
    const start = clock();
    const seen = new Set<keyof typeof moments>();
    for await (const moment of model.stream(request, { seed, ...(signal && { signal }) })) {
      if (seed > 0 && !seen.has(moment)) times[moment].push(clock() - start);
      seen.add(moment);
    }
  }
  return Object.entries(moments)
    .map(([moment, name]) => ({ name, values: times[moment as keyof typeof moments] }))
    .filter(({ values }) => values.length > 0)
    .map(({ name, values }) => ({
      name: `${name}, warm`,
      unit: 'ms',
      overall: { value: median(values), count: values.length },
    }));
}
