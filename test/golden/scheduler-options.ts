/** The arguments of the recorded solvers as options of ours. Arguments left out have the recorded library's defaults. */
import { readScheduler, type Scheduler, type SinglestepOptions } from '../../src/sampler/index.ts';

/** Arguments of a scheduler class of diffusers, all of them or those that differ from its defaults. */
export type Kwargs = Readonly<Record<string, unknown>>;

/** A scheduler of diffusers; `_class_name` may be among its arguments. */
export function schedulerOf(kwargs: Kwargs, name: unknown = kwargs['_class_name']): Scheduler {
  return readScheduler({ ...kwargs, _class_name: name }, 'golden case');
}

/** The original UniDiffuser's DPM_Solver.sample. */
export function singlestepOptions(config: Kwargs): SinglestepOptions | undefined {
  const grids: Record<string, SinglestepOptions['grid']> = {
    time_uniform: 'time',
    time_quadratic: 'quadratic',
    logSNR: 'log-snr',
  };
  const methods: Record<string, SinglestepOptions['method']> = { fast: 'fast', singlestep: 'fixed' };
  const grid = grids[String(config['skip_type'] ?? 'time_uniform')];
  const method = methods[String(config['method'] ?? 'fast')];
  if (!grid || !method || config['thresholding'] === true) return undefined;
  const order = (config['order'] ?? 3) as 1 | 2 | 3;
  return { kind: 'dpm-singlestep', order, method, grid, denoise: config['denoise'] === true };
}
