/**
 * A sampling run: a generator that knows modes, guidance and noise, and asks for network evaluations without knowing who
 * answers. A driver may answer runs one by one, in lockstep, or batch the questions of different tasks and steps, for the
 * network takes one time per modality and sample.
 *
 * One run is one sample. Image i of a batch is the run with seed + i, the same whatever the size of the batch.
 */
import { DuetError } from '../core/errors.ts';
import { checkGuidance, type Guidance, guide } from './guidance.ts';
import {
  checkLatents,
  type LatentShapes,
  type Latents,
  mapParts,
  modalityOf,
  type Part,
  packingOf,
  partOf,
  parts,
  type SampleLatents,
} from './latents.ts';
import {
  type Modality,
  type Mode,
  modalities,
  neededBy,
  type Pass,
  roles,
  type SingleMode,
  stagesOf,
  unconditionalPass,
} from './modes.ts';
import type { RunNoise } from './noise/run-noise.ts';
import { estimate, type PredictionType } from './prediction.ts';
import type { NoiseLevel, Schedule } from './schedule.ts';
import { type SolverOptions, solve } from './solve.ts';
import { checkSteps } from './solver.ts';

/** Network time of a clean modality. */
const GIVEN_TIME = 0;
/** Network time of a modality that is nothing but noise: arXiv 2303.06555 writes T. */
const IGNORED_TIME = 1000;

export interface SampleRequest {
  readonly mode: Mode;
  readonly shapes: LatentShapes;
  readonly schedule: Schedule;
  readonly prediction: PredictionType;
  readonly solver: SolverOptions;
  readonly steps: number;
  readonly noise: RunNoise;
  /** g of out = g cond + (1 - g) uncond; modes `i` and `t` have no condition and take none. @default 1 (off) */
  readonly guidance?: Guidance;
  /** The clean conditions that the mode needs: text for t2i and t2i2t, image for i2t and i2t2i. */
  readonly given?: SampleLatents;
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

/** Yields queries, receives one prediction per evaluation; returns all latents that were sampled on the way. */
export type SampleRun = Generator<Query, SampleLatents, readonly Prediction[]>;

/**
 * Prepares a run. Throws `invalid-argument` if the request makes no sense (impossible solver options: at the first query).
 *
 * @example
 * const noise = seededNoise(7, shapes);
 * const run = sampleRun({ mode: 't2i', shapes, schedule: cosine(), prediction: 'v', noise,
 *   solver: { kind: 'dpm-multistep' }, steps: 20, guidance: 4, given: { text } });
 * const [latents] = await answerOneByOne([run], predict);
 */
export function sampleRun(request: SampleRequest): SampleRun {
  checkRequest(request);
  return chain(request);
}

function* chain(request: SampleRequest): SampleRun {
  const stages = stagesOf(request.mode);
  let latents = request.given ?? {};
  let sampled: SampleLatents | undefined;
  for (const [index, mode] of stages.entries()) {
    latents = yield* stage(request, mode, latents, { index, count: stages.length, before: sampled });
    sampled = { ...sampled, ...latents };
  }
  return sampled ?? {};
}

/** One run of a chain: state, noise and network time from pure noise to a sample. */
function* stage(
  request: SampleRequest,
  mode: SingleMode,
  given: SampleLatents,
  place: { index: number; count: number; before: SampleLatents | undefined },
): SampleRun {
  const { shapes, schedule, noise, guidance = 1, steps } = request;
  const initial = noise.start();
  const packing = packingOf(shapes, roles[mode]);
  const plan = planPasses(mode, guidance, request.negative);
  const problem = { schedule, x: packing.pack(initial), steps, noise: noise.step };
  const solver = solve(problem, request.solver);
  let denoised = place.before;
  let point = solver.next();
  while (!point.done) {
    const { x, level, index, total } = point.value;
    const state = packing.unpack(x);
    const fresh = freshNoise(request, mode, plan.passes, index);
    const feeds = { sampled: state, given, negative: request.negative, fresh, initial };
    const progress = { step: place.index * total + index, total: place.count * total, mode };
    const predictions = yield {
      evaluations: plan.passes.map(pass => evaluationOf(pass, level, feeds, request.dataType)),
      progress: denoised ? { ...progress, denoised } : progress,
    };
    checkAnswer(predictions, plan.passes.length);
    const conditional = predictions[0]!;
    const output = mapParts(part =>
      guide(conditional[part], predictions[plan.unconditional[modalityOf[part]]]?.[part], guidance),
    );
    const clean = estimate(request.prediction, x, packing.pack(output), level);
    denoised = packing.sampled(clean.x0);
    point = solver.next(clean);
  }
  return packing.sampled(point.value);
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
  readonly sampled: Latents;
  readonly given: SampleLatents;
  readonly negative: SampleLatents | undefined;
  readonly fresh: Partial<Latents>;
  readonly initial: Latents;
}

function evaluationOf(pass: Pass, level: NoiseLevel, feeds: Feeds, dataType: number | undefined): Evaluation {
  const times = { sampled: level.t, given: GIVEN_TIME, negative: GIVEN_TIME, ignored: IGNORED_TIME };
  const values = mapParts(part => feedOf(pass, part, feeds));
  const evaluation = { ...values, tImage: times[pass.image], tText: times[pass.text] };
  return dataType === undefined ? evaluation : { ...evaluation, dataType };
}

function feedOf(pass: Pass, part: Part, feeds: Feeds): Float32Array {
  switch (pass[modalityOf[part]]) {
    case 'sampled':
      return feeds.sampled[part];
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
  const missing = neededBy(request.mode).find(modality => request.given?.[modality] === undefined);
  if (missing)
    throw new DuetError('invalid-argument', `Mode "${request.mode}" needs given.${missing}, which is missing`);
  checkLatents('given', request.given, request.shapes);
  checkLatents('negative', request.negative, request.shapes);
}

function checkAnswer(predictions: readonly Prediction[], count: number): void {
  if (predictions.length === count) return;
  throw new DuetError('invalid-argument', `A query of ${count} evaluations got ${predictions.length} predictions`);
}
