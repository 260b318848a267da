/** The family's row in the table of families. */
import type { Family } from '../family.ts';
import type { CallDefaults, ModelDescription } from '../pipeline.ts';
import { options } from './calls/options.ts';
import { defaultsOf } from './calls/requests.ts';
import { type CallMode, calls } from './calls/table.ts';
import { loadUniDiffuser } from './load.ts';
import { type ModelConfig, parseModelConfig } from './model-config.ts';
import { packModel } from './model-folder.ts';
import type { UniDiffuser } from './unidiffuser.ts';

export const unidiffuser: Family<UniDiffuser> = {
  calls,
  options,
  describe: (config, origin) => describe(parseModelConfig(config, origin)),
  load: loadUniDiffuser,
  pack: packModel,
};

function describe({ family, name, imageSize, sampling, familiarity, examples = [] }: ModelConfig): ModelDescription {
  const modes = Object.keys(calls) as CallMode[];
  const defaults = Object.fromEntries(modes.map(mode => [mode, ownDefaults(mode, sampling)]));
  const seen = familiarity && { familiarity: { threshold: familiarity.threshold } };
  return { family, name, imageSize, calls, options, defaults, ...seen, examples };
}

/** Of the options that the call has. */
function ownDefaults(mode: CallMode, sampling: ModelConfig['sampling']): CallDefaults {
  const names: readonly string[] = calls[mode].options;
  const { steps, guidance, solver, ...others } = defaultsOf(mode, sampling);
  const own = Object.entries(others).filter(([name]) => names.includes(name));
  return { ...Object.fromEntries(own), steps, guidance, solver };
}
