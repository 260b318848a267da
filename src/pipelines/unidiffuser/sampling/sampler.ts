/** What makes a pass of sampling, in one form, whichever networks it takes. */
import type { NoiseSchedule, SolverName } from '../../../sampler/index.ts';
import type { Networks } from '../networks/networks.ts';
import type { SampledGroup, SampleSettings, SampleTask } from './sample-latents.ts';

/** The settings of a pass, whose solver is told how by the network that is sampled from. */
export interface PassSettings extends Omit<SampleSettings, 'solver'> {
  readonly solver: SolverName;
  readonly noiseSchedule: NoiseSchedule;
}

export interface Sampler {
  /** Network evaluations per sample and group: what `GroupStep.total` will be. Tasks have the same things given. */
  count(tasks: readonly SampleTask[], settings: PassSettings): number;
  /** Latents of all tasks, in order, group by group. */
  groups(networks: Networks, tasks: readonly SampleTask[], settings: PassSettings): AsyncGenerator<SampledGroup, void>;
}
