/** The family's row in the table of families. */
import type { DiffusersFolder } from '../diffusers-folder.ts';
import type { Family } from '../family.ts';
import type { ModelDescription } from '../pipeline.ts';
import { options } from './calls/options.ts';
import { calls, type StableDiffusionMode } from './calls/table.ts';
import { defaultsOf } from './defaults.ts';
import { loadStableDiffusion } from './load.ts';
import { parseStableDiffusion, pipelineClasses } from './model-config.ts';
import type { StableDiffusion } from './stable-diffusion.ts';

export const stableDiffusion: Family<StableDiffusion> = {
  calls,
  options,
  pipelineClasses,
  describe: (config, origin) => describe(config as DiffusersFolder, origin), // what find-model.ts read of such folders
  load: loadStableDiffusion,
};

function describe(folder: DiffusersFolder, origin: string): ModelDescription {
  const config = parseStableDiffusion(folder, origin);
  const modes: readonly StableDiffusionMode[] = config.isInpainting ? ['inpaint'] : ['t2i', 'i2t2i', 'inpaint'];
  const own = <T>(of: (mode: StableDiffusionMode) => T) => Object.fromEntries(modes.map(mode => [mode, of(mode)]));
  return {
    family: 'stable-diffusion',
    name: config.name,
    imageSize: config.imageSize,
    calls: own(mode => calls[mode]),
    options,
    defaults: own(mode => ownDefaults(mode, defaultsOf(mode, config, origin))),
    examples: [],
  };
}

/** Of the options that the call has. */
function ownDefaults(mode: StableDiffusionMode, defaults: ReturnType<typeof defaultsOf>) {
  const names: readonly string[] = calls[mode].options;
  const { steps, guidance, solver, ...others } = defaults;
  const own = Object.entries(others).filter(([name]) => names.includes(name));
  return { ...Object.fromEntries(own), steps, guidance, solver };
}
