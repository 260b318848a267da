/** A job's request checked against what its mode needs and what the server allows; the seed is drawn here. */
import { randomInt } from 'node:crypto';
import { DuetError } from '../../src/core/errors.ts';
import type { ModelInfo } from '../types.ts';
import type { JobMode, JobRequest } from './types.ts';

export interface RequestLimits {
  readonly maxSamples: number;
  readonly maxSteps: number;
}

const seedLimit = 2 ** 32;
const longestPrompt = 10_000;
const highestGuidance = 100;
const highestPriority = 10;
/** Modes that change the picture they are given. */
const startsFromPicture: ReadonlySet<JobMode> = new Set(['i2t2i', 'inpaint']);

/** What a mode cannot do without; of several sets one is enough. */
const needs: Record<JobMode, readonly (readonly (keyof JobRequest)[])[]> = {
  t2i: [['prompt']],
  i2t: [['image']],
  joint: [[]],
  i: [[]],
  t: [[]],
  i2t2i: [['image']],
  t2i2t: [['prompt']],
  gibbs: [['prompt'], ['image']],
  interpolate: [
    ['prompt', 'prompt2'],
    ['image', 'image2'],
  ],
  inpaint: [['image'], ['prompt']],
};

/** Throws DuetError 'invalid-argument' naming the field, the value and what is allowed. */
export function checkRequest(request: JobRequest, limits: RequestLimits, model: ModelInfo): JobRequest {
  if (!model.modes.includes(request.mode)) {
    throw invalid(`mode must be one of ${model.modes.join(', ')}, got ${JSON.stringify(request.mode)}`);
  }
  checkInputs(request);
  const { n = 1 } = request;
  requireWhole('n', n, 1, limits.maxSamples);
  requireWhole('steps', request.steps, 1, limits.maxSteps);
  requireWhole('frames', request.frames, 2, Math.max(2, limits.maxSamples));
  requireWhole('rounds', request.rounds, 1, limits.maxSamples);
  requireWhole('seed', request.seed, 0, seedLimit - n);
  requireWhole('preview_every', request.previewEvery, 0, limits.maxSteps);
  requireWhole('priority', request.priority, -highestPriority, highestPriority);
  requireBetween('guidance', request.guidance, 0, highestGuidance);
  requireBetween('strength', request.strength, 0, 1);
  if (request.strength !== undefined && !(request.image && startsFromPicture.has(request.mode))) {
    throw invalid(
      `strength is for the modes ${[...startsFromPicture].join(' and ')} of a picture, got ${request.mode}`,
    );
  }
  if (request.solver !== undefined && !model.solvers.includes(request.solver)) {
    throw invalid(`solver must be one of ${model.solvers.join(', ')}, got ${JSON.stringify(request.solver)}`);
  }
  return { ...request, model: model.id, n, seed: request.seed ?? randomInt(seedLimit - limits.maxSamples) };
}

function checkInputs(request: JobRequest): void {
  for (const name of ['prompt', 'prompt2', 'negativePrompt'] as const) {
    const length = request[name]?.length ?? 0;
    if (length > longestPrompt) throw invalid(`${name} has ${length} characters, at most ${longestPrompt} are allowed`);
  }
  const sets = needs[request.mode];
  if (sets.some(names => names.every(name => isGiven(request[name])))) return;
  const allowed = sets.map(names => names.join(' and ')).join(', or ');
  throw invalid(`the mode ${request.mode} needs ${allowed}`);
}

function isGiven(value: JobRequest[keyof JobRequest]): boolean {
  return typeof value === 'string' ? value.trim() !== '' : value !== undefined;
}

function requireWhole(name: string, value: number | undefined, lowest: number, highest: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= lowest && value <= highest)) return;
  throw invalid(`${name} must be a whole number from ${lowest} to ${highest}, got ${value}`);
}

function requireBetween(name: string, value: number | undefined, lowest: number, highest: number): void {
  if (value === undefined || (value >= lowest && value <= highest)) return;
  throw invalid(`${name} must be a number from ${lowest} to ${highest}, got ${value}`);
}

function invalid(message: string): DuetError {
  return new DuetError('invalid-argument', message);
}
