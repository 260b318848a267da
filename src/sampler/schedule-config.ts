/** Schedules by name, as model configurations write them. */
import { type BetaOptions, createBetas, discreteTable } from './discrete-schedule.ts';
import { continuousTable, cosine, type Schedule, vpLinear } from './schedule.ts';

export type ScheduleConfig =
  | ({ readonly kind: 'continuous-table' | 'discrete-table' } & BetaOptionsConfig)
  | { readonly kind: 'vp-linear' }
  | { readonly kind: 'cosine'; readonly lambdaMax?: number };

interface BetaOptionsConfig {
  readonly betas?: BetaOptions;
}

export function createSchedule(config: ScheduleConfig): Schedule {
  switch (config.kind) {
    case 'continuous-table':
      return continuousTable(createBetas(config.betas));
    case 'discrete-table':
      return discreteTable(config.betas);
    case 'vp-linear':
      return vpLinear();
    case 'cosine':
      return cosine(config);
  }
}
