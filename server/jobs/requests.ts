/** A job's request checked against what its model can do and what the server allows; the seed is drawn here. */
import {
  type CallInputs,
  type CallSpec,
  checkCall,
  checkSeeds,
  drawSeed,
  type InterleavedMessage,
} from '../../src/pipelines/index.ts';
import type { ModelInfo } from '../types.ts';
import type { JobMessage, JobOptions, JobRequest } from './types.ts';

/** Throws DuetError 'invalid-argument' naming the field, the value and what is allowed. */
export function checkRequest(request: JobRequest, model: ModelInfo): JobRequest {
  const { inputs, options } = partsOf(request);
  const call = checkCall(model, request.mode, inputs, options);
  const counted = countsOf(call, options, model);
  const samples = counted.n ?? Math.max(1, counted.maxImages ?? 1);
  const { seed = drawSeed(samples) } = options;
  checkSeeds(seed, samples);
  return { ...request, model: model.id, ...counted, seed };
}

/** How many samples or pictures the call may make, where it can be told: the server may allow fewer than a model by itself. */
function countsOf({ options: names }: CallSpec, { n = 1, maxImages }: JobOptions, { options }: ModelInfo) {
  if (names.includes('n')) return { n };
  if (!names.includes('maxImages')) return {};
  const { default: standard } = options['maxImages'] as { readonly default?: number };
  return { maxImages: maxImages ?? standard ?? 1 };
}

/** Network evaluations per sample in one stage. */
export function stepsOf({ mode, steps }: Pick<JobRequest, 'mode' | 'steps'>, model: ModelInfo): number {
  return steps ?? model.defaults[mode]?.steps ?? 0;
}

/** What a request gives to the call of its mode, and with which options. Texts of nothing are left out. */
export function partsOf(request: JobRequest): {
  readonly inputs: CallInputs;
  readonly options: JobOptions;
} {
  const { mode: _mode, model: _model, rendering: _rendering, ...parts } = request;
  const { prompt, prompt2, image, image2, mask, messages, pictures = [], ...options } = parts;
  const dialogue = messages?.map(message => withPictures(message, pictures));
  return { inputs: given({ prompt, prompt2, image, image2, mask, messages: dialogue }), options: given(options) };
}

function withPictures({ role, content }: JobMessage, pictures: readonly Uint8Array[]): InterleavedMessage {
  const parts = content.map(part =>
    part.type === 'text' ? part : ({ type: 'image', image: pictures[part.picture]! } as const),
  );
  return { role, content: parts };
}

function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const isThere = (value: unknown) => (typeof value === 'string' ? value.trim() !== '' : value !== undefined);
  const entries = Object.entries(fields).filter(([, value]) => isThere(value));
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
