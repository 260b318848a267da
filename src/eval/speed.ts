/** How long one guided picture takes: the first call after loading (cold) and the median of later ones (warm). */

import type { EvalModel } from './model.ts';
import type { Figure } from './report.ts';
import { median } from './statistics.ts';

export interface SpeedOptions {
  /** Reads a clock, in milliseconds: `() => performance.now()`. */
  readonly clock: () => number;
  /** @default the model's */
  readonly steps?: number;
  /** Warm calls. Default 5. */
  readonly repeats?: number;
  readonly caption?: string;
  readonly signal?: AbortSignal;
}

/**
 * Times text to image of one picture as the model draws when nothing else is asked for. The model must not have drawn before, or the
 * cold figure is warm.
 */
export async function measureSpeed(model: EvalModel, options: SpeedOptions): Promise<Figure[]> {
  const { clock, steps, repeats = 5, caption = 'a cat to the left of a car', signal } = options;
  const times: number[] = [];
  for (let seed = 0; seed <= repeats; seed++) {
    const start = clock();
    await model.textToImage([caption], { seed, ...(steps !== undefined && { steps }), ...(signal && { signal }) });
    times.push(clock() - start);
  }
  const [cold = Number.NaN, ...warm] = times;
  const name = steps === undefined ? 'one picture' : `one picture, ${steps} steps`;
  return [
    { name: `${name}, cold`, unit: 'ms', overall: { value: cold, count: 1 } },
    { name: `${name}, warm`, unit: 'ms', overall: { value: median(warm), count: repeats } },
  ];
}
