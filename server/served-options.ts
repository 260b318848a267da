/** What of a model's options this server allows: its own limits on top of the model's. */
import type { OptionSchemas } from '../src/pipelines/index.ts';
import type { ServerConfig } from './config.ts';
import type { LoadedModel } from './types.ts';

type Allowed = Pick<ServerConfig, 'maxSamples' | 'maxSteps'>;

/** Options that make a request larger, and the setting that bounds them. */
const bounds: Readonly<Record<string, keyof Allowed>> = {
  n: 'maxSamples',
  maxImages: 'maxSamples',
  frames: 'maxSamples',
  rounds: 'maxSamples',
  steps: 'maxSteps',
  previewEvery: 'maxSteps',
};

/** `loaded` with the limits of `config` in its options: all that the server says and checks goes by them. */
export function withLimits(loaded: LoadedModel, config: Allowed): LoadedModel {
  const { info } = loaded;
  return { ...loaded, info: { ...info, options: limited(info.options, config) } };
}

function limited(options: OptionSchemas, config: Allowed): OptionSchemas {
  const entries = Object.entries(options).map(([name, schema]) => {
    const setting = Object.hasOwn(bounds, name) ? bounds[name] : undefined;
    return [name, setting ? { ...schema, ...bounded(schema, config[setting]) } : schema] as const;
  });
  return Object.fromEntries(entries);
}

/** Never below the least value, nor beyond it the default. */
function bounded(schema: { minimum?: number; maximum?: number; default?: number }, most: number) {
  const { minimum = most, maximum = most, default: standard } = schema;
  const highest = Math.max(minimum, Math.min(maximum, most));
  return { maximum: highest, ...(standard !== undefined && { default: Math.min(standard, highest) }) };
}
