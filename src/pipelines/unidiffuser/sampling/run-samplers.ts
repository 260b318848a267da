/**
 * Runs a few samplers in lockstep, to their end: one network call makes the predictions for the requests of all of them. A loaded
 * model gives each run to it alone and joins the calls of all its callers (src/batching/batching-driver.ts).
 */
import type { Evaluation, Prediction } from './passes.ts';
import type { Progress, Sampled, SampleRun } from './sample.ts';

/** Makes one prediction for each evaluation, in order. Throws what `signal` was aborted with. */
export type Predict = (
  evaluations: readonly Evaluation[],
  options: { readonly signal?: AbortSignal },
) => Promise<readonly Prediction[]>;

export interface LockstepOptions {
  /** Looked at before every network call; its reason is thrown. */
  readonly signal?: AbortSignal;
  /** Called after every step of every run, `run` being the index among `runs`; may be asynchronous. */
  readonly onStep?: (run: number, progress: Progress) => void | Promise<void>;
  /** Most evaluations in one network call. @default no limit */
  readonly maxBatch?: number;
}

/**
 * Runs all `runs` to their end, in lockstep, and returns their samples in order. If anything throws, the runs are
 * closed and the error goes on.
 */
export async function runInLockstep(
  runs: readonly SampleRun[],
  predict: Predict,
  options: LockstepOptions = {},
): Promise<Sampled[]> {
  const { signal, onStep } = options;
  const samples: Sampled[] = [];
  let open = runs.map((run, index) => ({ run, index, turn: run.next() }));
  for (const { index, turn } of open) if (turn.done) samples[index] = turn.value;
  open = open.filter(({ turn }) => !turn.done);
  try {
    while (open.length > 0) {
      signal?.throwIfAborted();
      const requested = open.map(({ turn }) => (turn.done ? [] : turn.value.evaluations));
      const predictions = await predictInBatches(requested.flat(), predict, options);
      let start = 0;
      for (const [k, job] of open.entries()) {
        const end = start + requested[k]!.length;
        const before = job.turn;
        job.turn = job.run.next(predictions.slice(start, end));
        start = end;
        if (job.turn.done) samples[job.index] = job.turn.value;
        if (!before.done) await onStep?.(job.index, progressAfter(before.value.progress, job.turn));
      }
      open = open.filter(({ turn }) => !turn.done);
    }
  } finally {
    for (const { run } of open) run.return({});
  }
  return samples;
}

async function predictInBatches(
  evaluations: readonly Evaluation[],
  predict: Predict,
  { signal, maxBatch = Number.POSITIVE_INFINITY }: LockstepOptions,
): Promise<Prediction[]> {
  const predictions: Prediction[] = [];
  for (let start = 0; start < evaluations.length; start += maxBatch) {
    signal?.throwIfAborted();
    const batch = evaluations.slice(start, start + maxBatch);
    predictions.push(...(await predict(batch, signal ? { signal } : {})));
  }
  return predictions;
}

/** The progress of a run after the step that it requested with `progress`. */
function progressAfter(progress: Progress, turn: ReturnType<SampleRun['next']>): Progress {
  if (turn.done) return { ...progress, step: progress.step + 1, denoised: turn.value };
  return { ...turn.value.progress, mode: progress.mode };
}
