/**
 * What may stand in a scheduler_config.json of diffusers: the keys of all classes that are known, with their values. What is
 * not built is refused where it is switched on.
 */
import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';
import { DuetError } from '../core/errors.ts';

const nullable = <T extends Type.TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]));
const flag = nullable(Type.Boolean());
/** Options that are not built: they may be there, but not be switched on. */
const off = Type.Optional(Type.Union([Type.Literal(false), Type.Null()]));
const choice = <T extends string>(...values: T[]) => Type.Optional(Type.Unsafe<T>(Type.Enum(values)));

/** Every key of the classes that diffusers-scheduler.ts knows; a key with the value false or null may have any other name. */
const configSchema = Type.Object({
  _class_name: Type.Optional(Type.String()),
  _diffusers_version: Type.Optional(Type.String()),
  num_train_timesteps: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
  beta_start: Type.Optional(Type.Number()),
  beta_end: Type.Optional(Type.Number()),
  beta_schedule: choice('linear', 'scaled_linear', 'squaredcos_cap_v2'),
  trained_betas: nullable(Type.Array(Type.Number({ minimum: 0, exclusiveMaximum: 1 }), { minItems: 1 })),
  prediction_type: choice('epsilon', 'v_prediction', 'sample'),
  rescale_betas_zero_snr: flag,
  timestep_spacing: choice('linspace', 'leading', 'trailing'),
  steps_offset: Type.Optional(Type.Integer({ minimum: 0 })),
  set_alpha_to_one: flag,
  clip_sample: flag,
  clip_sample_range: Type.Optional(Type.Number({ minimum: 0 })),
  skip_prk_steps: flag,
  use_karras_sigmas: flag,
  use_exponential_sigmas: flag,
  use_beta_sigmas: flag,
  use_lu_lambdas: flag,
  final_sigmas_type: choice('zero', 'sigma_min'),
  solver_order: Type.Optional(Type.Integer({ minimum: 1, maximum: 3 })),
  solver_type: choice('midpoint', 'heun', 'bh1', 'bh2', 'logrho'),
  algorithm_type: choice('dpmsolver++', 'dpmsolver', 'sde-dpmsolver++', 'sde-dpmsolver', 'deis'),
  lower_order_final: flag,
  euler_at_final: flag,
  lambda_min_clipped: Type.Optional(Type.Number()),
  predict_x0: flag,
  disable_corrector: nullable(Type.Array(Type.Integer({ minimum: 0 }))),
  original_inference_steps: Type.Optional(Type.Integer({ minimum: 1 })),
  timestep_scaling: Type.Optional(Type.Number()),
  variance_type: Type.Optional(Type.Union([Type.Literal('fixed_small'), Type.Null()])),
  interpolation_type: Type.Optional(Type.Literal('linear')),
  timestep_type: Type.Optional(Type.Literal('discrete')),
  thresholding: off,
  use_flow_sigmas: off,
  use_dynamic_shifting: off,
  // Of options that are off.
  dynamic_thresholding_ratio: Type.Optional(Type.Number()),
  sample_max_value: Type.Optional(Type.Number()),
  flow_shift: nullable(Type.Number()),
  time_shift_type: Type.Optional(Type.String()),
});
export type SchedulerConfig = Static<typeof configSchema>;

/** The text of a scheduler_config.json; Python writes an infinite number as a word that JSON does not have. */
export function parseSchedulerJson(text: string, origin: string): unknown {
  try {
    return JSON.parse(text.replace(/(?<=:\s*-?)Infinity(?=\s*[,}])/g, '1e999'));
  } catch (error) {
    throw new DuetError('invalid-config', `${origin} is not JSON`, { cause: error });
  }
}

/** @throws DuetError 'invalid-config' that names the key that is not known or whose value is not, with what is allowed */
export function checkSchedulerConfig(given: unknown, origin: string): SchedulerConfig {
  const config = withoutIdleClipping(given);
  if (!Value.Check(configSchema, config)) {
    const [first] = Value.Errors(configSchema, config);
    const place = first?.instancePath.replaceAll('/', '.').slice(1) || 'the whole file';
    throw new DuetError('invalid-config', `${origin}: ${place} ${faultOf(place, first?.message)}`);
  }
  const strange = Object.entries(config).find(
    ([key, value]) =>
      !Object.hasOwn(configSchema.properties, key) && !key.startsWith('_') && value !== null && value !== false,
  );
  if (!strange) return config;
  const known = Object.keys(configSchema.properties).join(', ');
  throw new DuetError('invalid-config', `${origin}: the key ${strange[0]} is not known; known are ${known}`);
}

/** Minus infinity is how diffusers writes that nothing is clipped; schemas know finite numbers alone. */
function withoutIdleClipping(config: unknown): unknown {
  if (typeof config !== 'object' || config === null || !('lambda_min_clipped' in config)) return config;
  const { lambda_min_clipped: least, ...others } = config;
  return least === Number.NEGATIVE_INFINITY ? others : config;
}

function faultOf(key: string, message = 'is not valid'): string {
  const { enum: values } = (configSchema.properties[key as keyof SchedulerConfig] ?? {}) as {
    enum?: readonly string[];
  };
  return values ? `must be one of ${values.join(', ')}` : message;
}
