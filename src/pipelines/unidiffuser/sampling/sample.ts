/**
 * A sampling run: a generator that knows modes, guidance and noise, and asks for network evaluations without knowing who
 * answers. A driver may answer runs one by one, in lockstep, or batch the questions of different tasks and steps, for the
 * network takes one time per modality and sample.
 *
 * One run is one sample. Image i of a batch is the run with seed + i, the same whatever the size of the batch.
 */
import { DuetError } from '../../../core/errors.ts';
import { checkGuidance, type Guidance, guide } from '../../../sampler/guidance.ts';
import { type InversionOptions, invertDdim } from '../../../sampler/inversion.ts';
import { addNoise, estimate, type PredictionType } from '../../../sampler/prediction.ts';
import type { NoiseLevel, Schedule } from '../../../sampler/schedule.ts';
import { type SolverOptions, solve } from '../../../sampler/solve.ts';
import { checkSteps, type SolverProblem } from '../../../sampler/solver.ts';
import {
  checkLatents,
  type LatentShapes,
  type Latents,
  mapParts,
  modalityOf,
  type Packing,
  type Part,
  packingOf,
  partOf,
  parts,
  partsOf,
  type SampleLatents,
} from './latents.ts';
import { checkKept, type Kept, type KnownRegion, knownRegionOf } from './masked-sampling.ts';
import {
  type ChainStart,
  type Modality,
  modalities,
  neededBy,
  type Pass,
  type RunMode,
  roles,
  type SingleMode,
  stagesOf,
  unconditionalPass,
} from './modes.ts';
import type { RunNoise } from './run-noise.ts';
import { checkStart, type PartialStart, shortened, startOfStage, stepsOfStage } from './sdedit.ts';

/** Network time of a clean modality. */
const GIVEN_TIME = 0;
/** Network time of a modality that is nothing but noise: arXiv 2303.06555 writes T. */
export const IGNORED_TIME = 1000;

export interface SampleRequest {
  readonly mode: RunMode;
  readonly shapes: LatentShapes;
  readonly schedule: Schedule;
  readonly prediction: PredictionType;
  readonly solver: SolverOptions;
  readonly steps: number;
  readonly noise: RunNoise;
  /** g of out = g cond + (1 - g) uncond; modes `i` and `t` have no condition and take none. @default 1 (off) */
  readonly guidance?: Guidance;
  /** The clean conditions that the mode needs: text for t2i and t2i2t, image for i2t and i2t2i; what Gibbs starts with. */
  readonly given?: SampleLatents;
  /** Values that stay while the rest of their part is sampled. */
  readonly keep?: Kept;
  /** Data to start from, with some noise, instead of from pure noise; for the stages that sample just that. */
  readonly start?: PartialStart;
  /** Of Gibbs sampling: how often image and text are drawn again. @default 1 */
  readonly rounds?: number;
  /** How the mode `inversion` finds its way. */
  readonly inversion?: InversionOptions;
  /** Conditions to steer away from, instead of from the marginal: an empty or a negative prompt in t2i. */
  readonly negative?: SampleLatents;
  /**
   * What stands for the modality that modes `i` and `t` ignore: fresh noise at every evaluation (the original) or the
   * initial noise throughout (diffusers). The unconditional passes of guidance always take fresh noise.
   * @default 'fresh'
   */
  readonly ignored?: 'fresh' | 'initial';
  /** The data-type flag of UniDiffuser v1, handed to every evaluation. */
  readonly dataType?: number;
}

/** One question to the network: the state of each part, flat, and the time of each modality. */
export interface Evaluation extends Latents {
  readonly tImage: number;
  readonly tText: number;
  readonly dataType?: number;
}

/** The network's output for one evaluation; parts that the run does not sample are not looked at. */
export type Prediction = Latents;

export interface Progress {
  /** Number of steps done. */
  readonly step: number;
  readonly total: number;
  /** The run of the chain that this step belongs to. */
  readonly mode: SingleMode;
  /** The latest estimate of the clean sample, for previews; absent before the first step. */
  readonly denoised?: SampleLatents;
}

export interface Query {
  /** To be answered together, in this order. */
  readonly evaluations: readonly Evaluation[];
  readonly progress: Progress;
}

/** All latents that were sampled on the way, the latest of each modality. */
export interface Sampled extends SampleLatents {
  /** Of Gibbs sampling: the pair that the chain started with or first made, then the one after each round. */
  readonly pairs?: readonly Required<SampleLatents>[];
}

/** Yields queries, receives one prediction per evaluation. */
export type SampleRun = Generator<Query, Sampled, readonly Prediction[]>;

/**
 * Prepares a run. Throws `invalid-argument` if the request makes no sense (impossible solver options: at the first query).
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

/** How many queries a run of `request` yields. */
export function countQueries(
  request: Pick<SampleRequest, 'mode' | 'given' | 'rounds' | 'steps' | 'inversion' | 'start'>,
): number {
  const stages = stagesOf(request.mode, startOf(request));
  return stages.reduce((sum, mode) => sum + queriesOfStage(request, mode), 0);
}

function queriesOfStage(request: Pick<SampleRequest, 'steps' | 'inversion' | 'start'>, mode: SingleMode): number {
  const { steps, inversion } = request;
  return mode === 'inversion' ? steps * (inversion?.refinements ?? 1) : stepsOfStage(request, mode);
}

function startOf({ given, rounds = 1 }: Pick<SampleRequest, 'given' | 'rounds'>): ChainStart {
  return { has: { image: given?.image !== undefined, text: given?.text !== undefined }, rounds };
}

function* chain(request: SampleRequest): SampleRun {
  const total = countQueries(request);
  const states: SampleLatents[] = [request.given ?? {}];
  let sampled: SampleLatents = {};
  let done = 0;
  for (const mode of stagesOf(request.mode, startOf(request))) {
    const made = yield* stage(request, mode, states.at(-1)!, { done, total, before: sampled });
    sampled = { ...sampled, ...made };
    states.push({ ...states.at(-1), ...made });
    done += queriesOfStage(request, mode);
  }
  return request.mode === 'gibbs' ? { ...sampled, pairs: pairsOf(states) } : sampled;
}

/** Every second state from the last one back: after each round, and before the first if that was a pair already. */
function pairsOf(states: readonly SampleLatents[]): Required<SampleLatents>[] {
  return states.flatMap(({ image, text }, index) => {
    return image && text && (states.length - 1 - index) % 2 === 0 ? [{ image, text }] : [];
  });
}

/** One run of a chain: state, noise and network time from pure noise to a sample, or back. */
function* stage(
  request: SampleRequest,
  mode: SingleMode,
  given: SampleLatents,
  place: { readonly done: number; readonly total: number; readonly before: SampleLatents },
): Generator<Query, SampleLatents, readonly Prediction[]> {
  const { shapes, schedule, noise, guidance = 1, steps } = request;
  const initial = noise.start();
  const packing = packingOf(shapes, roles[mode]);
  const plan = planPasses(mode, guidance, request.negative);
  const known = knownRegionOf(packing, request.keep, shapes);
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
    const progress = { step: place.done + index, total: place.total, mode };
    const predictions = yield {
      evaluations: plan.passes.map(pass => evaluationOf(pass, level, feeds, request.dataType)),
      progress: denoised.image || denoised.text ? { ...progress, denoised } : progress,
    };
    checkAnswer(predictions, plan.passes.length);
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
  const fewer = stepsOfStage(request, mode);
  const problem = { ...common, schedule: shortened(schedule, start.strength, fewer), steps: fewer, x: noise };
  const first = solve(problem, request.solver).next(); // which level that is, the solver's spacing says
  if (first.done) return problem;
  const { level } = first.value;
  const data = packing.pack(partsOf(start.latents));
  return { ...problem, x: known.start(noise, level, addNoise(data, noise, level)) };
}

interface PassPlan {
  /** The conditional pass first, then the unconditional ones. */
  readonly passes: readonly Pass[];
  /** Where in `passes` the unconditional prediction of a modality is found; -1: nowhere. */
  readonly unconditional: Readonly<Record<Modality, number>>;
}

function planPasses(mode: SingleMode, guidance: Guidance, negative: SampleLatents | undefined): PassPlan {
  const passes: Pass[] = [roles[mode]];
  const unconditional = { image: -1, text: -1 };
  for (const modality of guidance === 1 ? [] : modalities) {
    const other = modality === 'image' ? 'text' : 'image';
    const pass = unconditionalPass(roles[mode], modality, negative?.[other] !== undefined);
    if (pass) unconditional[modality] = passes.push(pass) - 1;
  }
  return { passes, unconditional };
}

/** Noise for every part that some pass ignores, drawn in the order z, c, y. */
function freshNoise(
  request: SampleRequest,
  mode: SingleMode,
  passes: readonly Pass[],
  evaluation: number,
): Partial<Latents> {
  const initial = (modality: Modality) => request.ignored === 'initial' && roles[mode][modality] === 'ignored';
  const drawn = parts.filter(part => {
    const modality = modalityOf[part];
    return !initial(modality) && passes.some(pass => pass[modality] === 'ignored');
  });
  return Object.fromEntries(drawn.map(part => [part, request.noise.ignored(part, evaluation)]));
}

interface Feeds {
  readonly moving: Latents;
  readonly given: SampleLatents;
  readonly negative: SampleLatents | undefined;
  readonly fresh: Partial<Latents>;
  readonly initial: Latents;
}

function evaluationOf(pass: Pass, level: NoiseLevel, feeds: Feeds, dataType: number | undefined): Evaluation {
  const times = { sampled: level.t, inverted: level.t, given: GIVEN_TIME, negative: GIVEN_TIME, ignored: IGNORED_TIME };
  const values = mapParts(part => feedOf(pass, part, feeds));
  const evaluation = { ...values, tImage: times[pass.image], tText: times[pass.text] };
  return dataType === undefined ? evaluation : { ...evaluation, dataType };
}

function feedOf(pass: Pass, part: Part, feeds: Feeds): Float32Array {
  switch (pass[modalityOf[part]]) {
    case 'sampled':
    case 'inverted':
      return feeds.moving[part];
    case 'given':
      return partOf(feeds.given, part)!; // checkRequest and the chain see to it
    case 'negative':
      return partOf(feeds.negative, part)!;
    case 'ignored':
      return feeds.fresh[part] ?? feeds.initial[part];
  }
}

function checkRequest(request: SampleRequest): void {
  checkSteps(request.steps, request.schedule);
  checkGuidance(request.guidance ?? 1);
  const missing = neededBy(request.mode, startOf(request)).find(modality => request.given?.[modality] === undefined);
  if (missing)
    throw new DuetError('invalid-argument', `Mode "${request.mode}" needs given.${missing}, which is missing`);
  checkLatents('given', request.given, request.shapes);
  checkLatents('negative', request.negative, request.shapes);
  checkKept(request.keep ?? {}, request.shapes);
  checkLatents('start', request.start?.latents, request.shapes);
  checkStart(request);
}

function checkAnswer(predictions: readonly Prediction[], count: number): void {
  if (predictions.length === count) return;
  throw new DuetError('invalid-argument', `A query of ${count} evaluations got ${predictions.length} predictions`);
}
