/** A job's request checked against what its model can do and what the server allows; the seed is drawn here. */
import { checkCall, checkSeeds, drawSeed } from '../../src/pipelines/index.ts';
import type { ModelInfo } from '../types.ts';
import type { JobInputs, JobOptions, JobRequest } from './types.ts';

/** Throws DuetError 'invalid-argument' naming the field, the value and what is allowed. */
export function checkRequest(request: JobRequest, model: ModelInfo): JobRequest {
  const { inputs, options } = partsOf(request);
  checkCall(model, request.mode, inputs, options);
  const { n = 1 } = options;
  const { seed = drawSeed(n) } = options;
  checkSeeds(seed, n);
  return { ...request, model: model.id, n, seed };
}

/** Network evaluations per sample in one stage. */
export function stepsOf({ mode, steps }: Pick<JobRequest, 'mode' | 'steps'>, model: ModelInfo): number {
  return steps ?? model.defaults[mode]?.steps ?? 0;
}

/** What a request gives to the call of its mode, and with which options. Texts of nothing are left out. */
export function partsOf(request: JobRequest): {
  readonly inputs: JobInputs;
  readonly options: JobOptions;
} {
  const { mode: _mode, model: _model, rendering: _rendering, ...parts } = request;
  const { prompt, prompt2, image, image2, mask, ...options } = parts;
  return { inputs: given({ prompt, prompt2, image, image2, mask }), options: given(options) };
}

function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const isThere = (value: unknown) => (typeof value === 'string' ? value.trim() !== '' : value !== undefined);
  const entries = Object.entries(fields).filter(([, value]) => isThere(value));
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
