/**
 * From requests to latents: each picture is a run of its own that asks the U-Net by itself; the networks answer the
 * questions of all runs, of this call and of others, together.
 */
import type { CallOptions } from '../../../batching/batching-driver.ts';
import type { Networks } from '../networks/networks.ts';
import { countQueries, type DenoiseRequest, denoise } from './denoise.ts';

/** Pictures of one call that are under way at the same time, unless asked for otherwise; more are done group after group. */
const usualGroupSize = 16;

export interface StepReport {
  /** Queries done per picture, of all groups. */
  readonly step: number;
  readonly total: number;
  /** Numbers of the pictures that are under way, and their latest clean estimates, as far as there are any. */
  readonly pictures: readonly number[];
  readonly denoised: readonly (Float32Array | undefined)[];
}

export interface SampleOptions extends CallOptions {
  /** @default 16 */
  readonly groupSize?: number;
  /** Called after each step of a group. */
  readonly onStep?: (report: StepReport) => void | Promise<void>;
}

/** Latents of neighbouring requests, in order. */
interface LatentGroup {
  /** The number of requests in front of them. */
  readonly first: number;
  readonly latents: readonly Float32Array[];
}

/** The latents of all requests, in order, group by group. Requests of a call have the same number of steps. */
export async function* sampleGroups(
  networks: Pick<Networks, 'predict'>,
  requests: readonly DenoiseRequest[],
  options: SampleOptions,
): AsyncGenerator<LatentGroup, void> {
  const { groupSize = usualGroupSize } = options;
  const groups = Math.ceil(requests.length / groupSize);
  const perGroup = requests[0] ? countQueries(requests[0]) : 0;
  for (let group = 0; group < groups; group++) {
    const first = group * groupSize;
    const place = { first, done: group * perGroup, total: groups * perGroup };
    yield { first, latents: await sampleGroup(networks, requests.slice(first, first + groupSize), options, place) };
  }
}

/** The same all at once. */
export async function sampleLatents(...args: Parameters<typeof sampleGroups>): Promise<Float32Array[]> {
  const all: Float32Array[] = [];
  for await (const { latents } of sampleGroups(...args)) all.push(...latents);
  return all;
}

async function sampleGroup(
  networks: Pick<Networks, 'predict'>,
  requests: readonly DenoiseRequest[],
  { signal, priority, onStep }: SampleOptions,
  place: { readonly first: number; readonly done: number; readonly total: number },
): Promise<Float32Array[]> {
  const failed = new AbortController();
  const stop = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  const steps = requests.map(() => 0);
  const denoised: (Float32Array | undefined)[] = requests.map(() => undefined);
  const pictures = requests.map((_, k) => place.first + k);
  let reported = 0;
  const afterStep = async (picture: number, clean: Float32Array | undefined): Promise<void> => {
    steps[picture]!++;
    denoised[picture] = clean;
    const step = Math.min(...steps);
    if (step === reported) return; // the last run completes the step
    reported = step;
    await onStep?.({ step: place.done + step, total: place.total, pictures, denoised });
  };
  const carry = async (request: DenoiseRequest, picture: number): Promise<Float32Array> => {
    const run = denoise(request);
    let turn = run.next();
    while (!turn.done) {
      stop.throwIfAborted();
      const { evaluations } = turn.value;
      turn = run.next(
        await networks.predict(evaluations, { signal: stop, ...(priority !== undefined && { priority }) }),
      );
      await afterStep(picture, turn.done ? turn.value : turn.value.denoised);
    }
    return turn.value;
  };
  try {
    return await Promise.all(requests.map(carry));
  } catch (error) {
    failed.abort(error);
    throw error;
  }
}
