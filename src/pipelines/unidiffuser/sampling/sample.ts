/**
 * A sampling run: a generator that handles modes, guidance and noise. It yields evaluation requests and receives predictions
 * without depending on what makes them: a driver may evaluate runs one by one, in lockstep, or the requests of different
 * calls and steps in one network call, as the network takes one timestep per modality and sample.
 *
 * One run is one sample. Image i of a batch is the run with seed + i, the same whatever the size of the batch.
 */
import { DuetError } from '../../../core/errors.ts';
import { guide } from '../../../sampler/guidance.ts';
import { invertDdim } from '../../../sampler/inversion.ts';
import { addNoise, estimate } from '../../../sampler/prediction.ts';
import { firstEvaluation, solve } from '../../../sampler/solve.ts';
import type { SolverProblem } from '../../../sampler/solver.ts';
import { mapParts, modalityOf, type Packing, packingOf, partsOf, type SampleLatents } from './latents.ts';
import { type KnownRegion, knownRegionOf } from './masked-sampling.ts';
import { roles, type SingleMode, stagesOf } from './modes.ts';
import { type Evaluation, evaluationOf, freshNoise, type Prediction, planPasses } from './passes.ts';
import {
  chainStartOf,
  checkRequest,
  countEvaluationRequests,
  requestsOfStage,
  type SampleRequest,
} from './sample-request.ts';
import { scheduleOfStage, startOfStage, stepsOfStage } from './sdedit.ts';

export interface Progress {
  /** Number of steps done. */
  readonly step: number;
  readonly total: number;
  /** The run of the chain that this step belongs to. */
  readonly mode: SingleMode;
  /** The latest estimate of the clean sample, for previews; absent before the first step. */
  readonly denoised?: SampleLatents;
  /** Of Gibbs sampling: the pairs that are finished. */
  readonly pairs?: readonly Pair[];
}

export interface EvaluationRequest {
  /** Their predictions are received together, in this order. */
  readonly evaluations: readonly Evaluation[];
  readonly progress: Progress;
}

/** The latents of a picture and its caption. */
export type Pair = Required<SampleLatents>;

/** All latents that were sampled on the way, the latest of each modality. */
export interface Sampled extends SampleLatents {
  /** Of Gibbs sampling: the pair that the chain started with or first made, then the one after each round. */
  readonly pairs?: readonly Pair[];
}

/** Yields evaluation requests, receives one prediction per evaluation. */
export type SampleRun = Generator<EvaluationRequest, Sampled, readonly Prediction[]>;

/**
 * Prepares a run. Throws `invalid-argument` if the request makes no sense (impossible solver options: at the first evaluation request).
 *
 * @example
 * const noise = seededNoise(7, shapes);
 * const run = sampleRun({ mode: 't2i', shapes, schedule: cosine(), prediction: 'v', noise,
 *   solver: { kind: 'dpm-multistep' }, steps: 20, guidance: 4, given: { text } });
 * const [latents] = await runInLockstep([run], predict);
 */
export function sampleRun(request: SampleRequest): SampleRun {
  checkRequest(request);
  return chain(request);
}

function* chain(request: SampleRequest): SampleRun {
  const total = countEvaluationRequests(request);
  const states: SampleLatents[] = [request.given ?? {}];
  let sampled: SampleLatents = {};
  let done = 0;
  const stages = stagesOf(request.mode, chainStartOf(request));
  for (const mode of stages) {
    const pairs = request.mode === 'gibbs' ? { pairs: pairsOf(states, stages.length) } : {};
    const made = yield* stage(request, mode, states.at(-1)!, { done, total, before: sampled, ...pairs });
    sampled = { ...sampled, ...made };
    states.push({ ...states.at(-1), ...made });
    done += requestsOfStage(request, mode);
  }
  return request.mode === 'gibbs' ? { ...sampled, pairs: pairsOf(states, stages.length) } : sampled;
}

/** Every second state from number `last` back: after each round, and before the first if that was a pair already. */
function pairsOf(states: readonly SampleLatents[], last: number): Pair[] {
  return states.flatMap(({ image, text }, index) => {
    return image && text && (last - index) % 2 === 0 ? [{ image, text }] : [];
  });
}

/** One run of a chain: from noise to a sample, or back. */
function* stage(
  request: SampleRequest,
  mode: SingleMode,
  given: SampleLatents,
  place: Pick<Progress, 'total' | 'pairs'> & { readonly done: number; readonly before: SampleLatents },
): Generator<EvaluationRequest, SampleLatents, readonly Prediction[]> {
  const { shapes, schedule, noise, guidance = 1, steps } = request;
  const initial = noise.start();
  const packing = packingOf(shapes, roles[mode]);
  const plan = planPasses(mode, guidance, request.negative);
  const known = knownRegionOf(packing, request.known, shapes);
  const data = startOfStage(request, mode)?.latents;
  if (data && stepsOfStage(request, mode) === 0) return packing.sampled(known.end(packing.pack(partsOf(data))));
  const solver =
    mode === 'inversion'
      ? invertDdim({ schedule, x: packing.pack(partsOf(given)), steps }, request.inversion)
      : solve(problemOf(request, mode, { packing, known, noise: packing.pack(initial) }), request.solver);
  let denoised = place.before;
  let point = solver.next();
  while (!point.done) {
    const { x, level, index } = point.value;
    const state = packing.unpack(x);
    const fresh = freshNoise(request, mode, plan.passes, index);
    const feeds = { moving: state, given, negative: request.negative, fresh, initial };
    const { total, pairs } = place;
    const progress = { step: place.done + index, total, mode, ...(pairs && { pairs }) };
    const predictions = yield {
      evaluations: plan.passes.map(pass => evaluationOf(pass, level, feeds, request.dataType)),
      progress: denoised.image || denoised.text ? { ...progress, denoised } : progress,
    };
    checkPredictions(predictions, plan.passes.length);
    const conditional = predictions[0]!;
    const output = mapParts(part =>
      guide(conditional[part], predictions[plan.unconditional[modalityOf[part]]]?.[part], guidance),
    );
    const clean = known.correct(x, level, estimate(request.prediction, x, packing.pack(output), level));
    denoised = packing.sampled(clean.x0);
    point = solver.next(clean);
  }
  return packing.sampled(known.end(point.value));
}

/** Where a stage's solver starts: in noise, or in data with as much noise as its first evaluation expects. */
function problemOf(
  request: SampleRequest,
  mode: SingleMode,
  { packing, known, noise }: { readonly packing: Packing; readonly known: KnownRegion; readonly noise: Float32Array },
): SolverProblem {
  const { schedule, steps } = request;
  const start = startOfStage(request, mode);
  const common = { noise: request.noise.step };
  if (!start) return { ...common, schedule, steps, x: known.start(noise, schedule.at(schedule.tMax)) };
  const shorter = { ...common, schedule: scheduleOfStage(request, mode), steps: stepsOfStage(request, mode) };
  const problem = { ...shorter, skip: 0, x: noise };
  const level = firstEvaluation(problem, request.solver)?.level; // the solver's spacing decides which level that is
  if (!level) return problem;
  const data = packing.pack(partsOf(start.latents));
  return { ...problem, x: known.start(noise, level, addNoise(data, noise, level)) };
}

function checkPredictions(predictions: readonly Prediction[], count: number): void {
  if (predictions.length === count) return;
  throw new DuetError('invalid-argument', `A request of ${count} evaluations got ${predictions.length} predictions`);
}
