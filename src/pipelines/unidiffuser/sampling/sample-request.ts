/** What a sampling run is to do, its checks, and how many evaluation requests it takes. */
import { DuetError } from '../../../core/errors.ts';
import type { Guidance } from '../../../sampler/guidance.ts';
import type { InversionOptions } from '../../../sampler/inversion.ts';
import type { PredictionType } from '../../../sampler/prediction.ts';
import type { Schedule } from '../../../sampler/schedule.ts';
import { firstEvaluation, type SolverOptions } from '../../../sampler/solve.ts';
import { checkSteps } from '../../../sampler/solver.ts';
import { checkLatents, type LatentShapes, type SampleLatents } from './latents.ts';
import { checkKnown, type KnownValues } from './masked-sampling.ts';
import { type ChainStart, neededBy, type RunMode, type SingleMode, stagesOf } from './modes.ts';
import type { RunNoise } from './run-noise.ts';
import { checkStart, type PartialStart, scheduleOfStage, stepsOfStage } from './sdedit.ts';

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
  readonly known?: KnownValues;
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

type StageRequest = Pick<SampleRequest, 'schedule' | 'solver' | 'steps' | 'inversion' | 'start'>;

/** How many evaluation requests a run of `request` makes. */
export function countEvaluationRequests(
  request: StageRequest & Pick<SampleRequest, 'mode' | 'given' | 'rounds'>,
): number {
  const stages = stagesOf(request.mode, chainStartOf(request));
  return stages.reduce((sum, mode) => sum + requestsOfStage(request, mode), 0);
}

export function requestsOfStage(request: StageRequest, mode: SingleMode): number {
  const { steps, inversion } = request;
  if (mode === 'inversion') return steps * (inversion?.refinements ?? 1);
  const made = stepsOfStage(request, mode);
  if (made === 0) return 0;
  const problem = { schedule: scheduleOfStage(request, mode), steps: made };
  return firstEvaluation(problem, request.solver)?.total ?? 0;
}

/** What the chain of a request begins with. */
export function chainStartOf({ given, rounds = 1 }: Pick<SampleRequest, 'given' | 'rounds'>): ChainStart {
  return { has: { image: given?.image !== undefined, text: given?.text !== undefined }, rounds };
}

/** Throws DuetError 'invalid-argument' if the request makes no sense. */
export function checkRequest(request: SampleRequest): void {
  checkSteps(request.steps, request.schedule);
  const missing = neededBy(request.mode, chainStartOf(request)).find(
    modality => request.given?.[modality] === undefined,
  );
  if (missing) {
    throw new DuetError('invalid-argument', `Mode "${request.mode}" needs given.${missing}, which is missing`);
  }
  checkLatents('given', request.given, request.shapes);
  checkLatents('negative', request.negative, request.shapes);
  checkKnown(request.known ?? {}, request.shapes);
  checkLatents('start', request.start?.latents, request.shapes);
  checkStart(request);
}
