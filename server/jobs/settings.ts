/** What a job was really made with: the request's settings, or the model's own where it left them out. */
import { stagesOf } from '../../src/sampler/index.ts';
import type { ModelInfo } from '../types.ts';
import type { JobMode, JobRequestView } from './types.ts';

export interface Settings {
  readonly steps: number;
  /** In diffusers' convention: 1 is off. */
  readonly guidance: number;
  readonly solver: string;
}

export function effectiveSettings(request: JobRequestView, { defaults }: ModelInfo): Settings {
  const { steps = defaults.steps, guidance = defaultGuidance(request.mode, defaults.guidance), solver } = request;
  return { steps, guidance, solver: solver ?? 'dpm-multistep' };
}

/** Chains have the guidance of their last stage; where nothing is followed there is none. */
function defaultGuidance(mode: JobMode, guidance: ModelInfo['defaults']['guidance']): number {
  if (mode === 'gibbs' || mode === 'inpaint' || mode === 'interpolate') return guidance.t2i;
  const last = stagesOf(mode).at(-1);
  return last === 't2i' || last === 'i2t' || last === 'joint' ? guidance[last] : 1;
}
