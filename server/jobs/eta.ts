/** How long a job will still run, from the pace of its steps. */

/** Weight of the newest step: the pace changes when other jobs join or leave the batch. */
const newestWeight = 0.2;

/** @returns a function to call after each finished step, which returns the milliseconds left; null before the second step */
export function createEta(now: () => number): (step: number, steps: number) => number | null {
  let previous: { readonly step: number; readonly at: number } | undefined;
  let pace: number | undefined;
  return (step, steps) => {
    const at = now();
    if (previous !== undefined && step > previous.step) {
      const newest = (at - previous.at) / (step - previous.step);
      pace = pace === undefined ? newest : (1 - newestWeight) * pace + newestWeight * newest;
    }
    previous = { step, at };
    return pace === undefined ? null : Math.round(pace * Math.max(0, steps - step));
  };
}
