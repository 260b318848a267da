/** The family's row in the table of families. */
import type { CallSpec } from '../call-table.ts';
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

function describe(config: ModelConfig): ModelDescription {
  const { family, name, imageSize, familiarity, examples = [] } = config;
  const modes = Object.keys(calls) as CallMode[];
  const defaults = Object.fromEntries(modes.map(mode => [mode, ownDefaults(mode, config)]));
  const seen = familiarity && { familiarity: { threshold: familiarity.threshold } };
  const table = config.unet ? { calls, options } : withoutChoice();
  return { family, name, imageSize, ...table, defaults, ...seen, examples };
}

/** Of models where the U-ViT alone draws. */
function withoutChoice(): Pick<ModelDescription, 'calls' | 'options'> {
  const rows = Object.entries<CallSpec>(calls).map(([mode, call]): [string, CallSpec] => {
    const { options: names, withoutEffect = [] } = call;
    return [mode, names.includes('network') ? { ...call, withoutEffect: [...withoutEffect, 'network'] } : call];
  });
  const network = { ...options.network, enum: ['uvit'] };
  return { calls: Object.fromEntries(rows), options: { ...options, network } };
}

/** Of the options that the call has. */
function ownDefaults(mode: CallMode, config: ModelConfig): CallDefaults {
  const names: readonly string[] = calls[mode].options;
  const { steps, guidance, solver, network, ...others } = defaultsOf(mode, config);
  const own = Object.entries(others).filter(([name]) => names.includes(name));
  const drawing = config.unet && network && { network };
  return { ...Object.fromEntries(own), ...drawing, steps, guidance, solver };
}
