/**
 * One picture from noise to its latent: a generator that knows schedule, solver, guidance and the order in which diffusers
 * draws its noise, and asks for evaluations of the U-Net without knowing who answers. What it draws comes from one source,
 * in this order: the sample of the given picture's latent, the first noise, the sample of the masked picture's latent, and
 * what a stochastic solver adds at each step.
 */
import { DuetError } from '../../../core/errors.ts';
import { rescaleGuided } from '../../../sampler/guidance-rescale.ts';
import {
  addNoise,
  estimate,
  firstEvaluation,
  guide,
  type NoiseLevel,
  type Scheduler,
  type SolverProblem,
  solve,
} from '../../../sampler/index.ts';
import type { Evaluation, LatentDistribution, LatentImage } from '../networks/networks.ts';

/** Standard normal numbers, as many as asked for, each time the next ones. */
export type DrawNoise = (count: number) => Float32Array;

/** A latent that is scaled already, or the distribution from which it is sampled with the run's own noise. */
export type GivenLatent = { readonly latent: Float32Array } | { readonly distribution: LatentDistribution };

export interface DenoiseRequest {
  readonly size: { readonly channels: number; readonly height: number; readonly width: number };
  readonly sampling: Scheduler;
  readonly steps: number;
  /** Scale of classifier-free guidance; off up to 1. */
  readonly guidance: number;
  /** Whether the network is told the scale, and no unconditional prediction is made. @default false */
  readonly isDistilled?: boolean;
  /** How much the guided prediction gets the deviation of the conditional one. @default 0 */
  readonly guidanceRescale?: number;
  /** States of the prompt and, with guidance, of the negative one. */
  readonly context: Float32Array;
  readonly negative?: Float32Array;
  readonly draw: DrawNoise;
  /** latent = (z - shift) factor, of the autoencoder's z. */
  readonly latentScale: { readonly factor: number; readonly shift: number };
  /** The picture to start from, and the share of the steps that are made. */
  readonly start?: { readonly given: GivenLatent; readonly strength: number };
  /** 1 where the picture of `start` is painted anew, [height, width]; the rest stays. At strength 1 noise is started from. */
  readonly mask?: Float32Array;
  /** Of a network that is told of the mask: the picture without what is painted anew. Nothing is kept by force then. */
  readonly masked?: GivenLatent;
  /**
   * At which level what stays is noised after a step: of the next evaluation or, as in the first pipeline that could do this,
   * of the one just made, where strength 1 does not start from noise either. @default 'next'
   */
  readonly keptLevel?: 'next' | 'done';
}

export interface Query {
  /** To be answered together, in this order: the prompt's and, with guidance, that of the negative prompt. */
  readonly evaluations: readonly Evaluation[];
  /** Number of this query, from 0, and of them all. */
  readonly index: number;
  readonly total: number;
  /** The latest estimate of the clean latent, scaled; absent before the first step. */
  readonly denoised?: Float32Array;
}

/** Yields queries, receives one prediction per evaluation, returns the scaled latent. */
export type DenoiseRun = Generator<Query, Float32Array, readonly Float32Array[]>;

/** Steps that are made of `steps`, as diffusers counts them. */
export function stepsOfStrength(steps: number, strength: number): number {
  return Math.min(Math.floor(steps * strength), steps);
}

/** How many queries a run makes. */
export function countQueries({ sampling, steps, start }: Pick<DenoiseRequest, 'sampling' | 'steps' | 'start'>): number {
  const made = start ? stepsOfStrength(steps, start.strength) : steps;
  if (made === 0) return 0;
  const { schedule, solver } = sampling;
  return firstEvaluation({ schedule, steps, ...(start && { skip: steps - made }) }, solver)?.total ?? 0;
}

/** @throws DuetError 'invalid-argument' if guidance has no negative prompt to turn away from */
export function* denoise(request: DenoiseRequest): DenoiseRun {
  const { sampling, steps, draw, start, mask, guidance, isDistilled = false } = request;
  const { channels, height, width } = request.size;
  const made = start ? stepsOfStrength(steps, start.strength) : steps;
  const data = start && latentOf(start.given, request);
  if (data && made === 0) return data;
  const noise = draw(channels * height * width);
  const masked = request.masked && latentOf(request.masked, request);
  const below = masked && mask && joined(mask, masked);
  // diffusers encodes the masked picture for every network, also where nobody looks at it.
  if (mask && !masked && start && 'distribution' in start.given) draw(noise.length);
  const kept = !below && mask && data ? { mask, data, noise } : undefined;
  const isFresh = !data || (mask !== undefined && start?.strength === 1 && request.keptLevel !== 'done');

  let done: NoiseLevel | undefined;
  const levelOfKept = (next: NoiseLevel | undefined) => (next && request.keptLevel === 'done' ? done : next);
  const problem: SolverProblem = {
    schedule: sampling.schedule,
    steps,
    noise: draw,
    ...(isFresh ? { x: noise } : startedFrom(data!, noise, request, steps - made)),
    ...(kept && { amend: (x, next) => withKept(x, kept, levelOfKept(next)) }),
  };
  const isGuided = guidance > 1 && !isDistilled;
  if (isGuided && !request.negative) {
    throw new DuetError('invalid-argument', 'Guidance needs the states of a negative prompt, be it an empty one');
  }
  const contexts = isGuided ? [request.context, request.negative!] : [request.context];
  let denoised: Float32Array | undefined;
  const solver = solve(problem, sampling.solver);
  let point = solver.next();
  while (!point.done) {
    const { x, level, index, total } = point.value;
    done = level;
    const sample: LatentImage = { data: below ? joined(x, below) : x, height, width };
    const evaluations = contexts.map(context => ({ sample, timestep: level.t, context, guidance }));
    const [conditional, unconditional] = yield { evaluations, index, total, ...(denoised && { denoised }) };
    const guided = guide(conditional!, unconditional, guidance);
    const output = unconditional ? rescaleGuided(guided, conditional!, request.guidanceRescale ?? 0) : guided;
    const estimated = estimate(sampling.prediction, x, output, level);
    denoised = kept ? withKept(estimated.x0, kept, undefined) : estimated.x0;
    point = solver.next(estimated);
  }
  return point.value;
}

/** A state with as much noise as the first evaluation that is made expects. */
function startedFrom(
  data: Float32Array,
  noise: Float32Array,
  { sampling: { schedule, solver }, steps }: DenoiseRequest,
  skip: number,
): Pick<SolverProblem, 'x' | 'skip'> {
  const first = firstEvaluation({ schedule, steps, skip }, solver);
  return { x: first ? addNoise(data, noise, first.level) : data, skip };
}

interface Kept {
  readonly mask: Float32Array;
  readonly data: Float32Array;
  readonly noise: Float32Array;
}

/** `x` where it is painted anew, and what stays elsewhere, with the noise of `level` if there is to be any. */
function withKept(x: Float32Array, { mask, data, noise }: Kept, level: NoiseLevel | undefined): Float32Array {
  const known = level ? addNoise(data, noise, level) : data;
  return x.map((value, i) => {
    const share = mask[i % mask.length]!;
    return share * value + (1 - share) * known[i]!;
  });
}

/** The scaled latent. A distribution is sampled, which draws noise. */
function latentOf(given: GivenLatent, { draw, latentScale: { factor, shift } }: DenoiseRequest): Float32Array {
  if ('latent' in given) return given.latent;
  const { mean, std } = given.distribution;
  const noise = draw(std.length);
  return mean.data.map((value, i) => (value + std[i]! * noise[i]! - shift) * factor);
}

function joined(above: Float32Array, below: Float32Array): Float32Array {
  const all = new Float32Array(above.length + below.length);
  all.set(above);
  all.set(below, above.length);
  return all;
}
