/** The rows of the chat families in the table of families. */
import { mergeOptions } from '../common-options.ts';
import type { Family } from '../family.ts';
import type { CallDefaults, ModelDescription } from '../pipeline.ts';
import { defaultsOf } from '../stable-diffusion/defaults.ts';
import { stableDiffusion } from '../stable-diffusion/family.ts';
import { parseStableDiffusion } from '../stable-diffusion/model-config.ts';
import { standards } from '../unidiffuser/calls/options.ts';
import { defaultsOf as uvitDefaults } from '../unidiffuser/calls/requests.ts';
import { unidiffuser } from '../unidiffuser/family.ts';
import { chatStandards, drawingOptions, options, textOptions, wordOptions } from './calls/options.ts';
import { drawingCalls, wordCalls } from './calls/table.ts';
import type { ChatFiles } from './chat-files.ts';
import { ChatModel } from './chat-model.ts';
import { packMiniGpt5 } from './minigpt5/pack-folder.ts';

const load = ChatModel.load.bind(ChatModel);
const describe: Family['describe'] = (files, origin) => describeFiles(files as ChatFiles, origin); // what find-model.ts read

export const minigpt5: Family<ChatModel> = { calls: drawingCalls, options, describe, load, pack: packMiniGpt5 };
/** Of models that are given pictures and answer in words. */
export const wordFamily: Family<ChatModel> = { calls: wordCalls, options: wordOptions, describe, load };

function describeFiles(files: ChatFiles, origin: string): ModelDescription {
  const { maxTokens, priority } = chatStandards;
  if (files.family !== 'minigpt5') {
    const { sampling, ...named } = files;
    const { earlyStopping: _, ...chosen } = sampling; // no option of a call
    const defaults = { chat: { maxTokens, priority, ...chosen } };
    const dialogue = { sees: true, draws: false, examples: [] };
    return {
      ...named,
      calls: wordCalls,
      options: wordOptions,
      defaults,
      dialogue,
      examples: [],
    };
  }
  const { config, diffusion } = files;
  const drawn = drawnBy(diffusion, origin);
  const own = {
    ...drawn.defaults,
    width: drawn.model.imageSize,
    height: drawn.model.imageSize,
    ...config.sampling,
    ...config.drawing,
    ...chatStandards,
  };
  const { exchanges } = config.prompt;
  // It does what the model with which it draws does, too.
  return {
    ...drawn.model,
    family: 'minigpt5',
    name: config.name,
    calls: { ...drawingCalls, ...drawn.model.calls },
    options: mergeOptions([drawn.model.options, options]),
    defaults: { chat: withoutOthers(own), ...drawn.model.defaults },
    dialogue: {
      sees: config.frontEnd !== undefined,
      draws: true,
      ...(exchanges !== undefined && { exchanges }),
      examples: config.examples ?? [],
    },
  };
}

/** The model that draws, and how it draws answers' pictures where nothing else is asked for. */
function drawnBy(
  diffusion: Extract<ChatFiles, { family: 'minigpt5' }>['diffusion'],
  origin: string,
): { readonly model: ModelDescription; readonly defaults: CallDefaults } {
  if ('components' in diffusion) {
    const config = parseStableDiffusion(diffusion, origin);
    return { model: stableDiffusion.describe(diffusion, origin), defaults: defaultsOf('t2i', config, origin) };
  }
  const drawing = diffusion.unet ? { ...standards, ...diffusion.unet.sampling } : uvitDefaults('t2i', diffusion);
  return { model: unidiffuser.describe(diffusion, origin), defaults: { ...drawing, guidanceRescale: 0 } };
}

/** Of the options that an answer has. */
function withoutOthers(defaults: CallDefaults): CallDefaults {
  const names = [...Object.keys(textOptions), ...Object.keys(drawingOptions)];
  return Object.fromEntries(Object.entries(defaults).filter(([name]) => names.includes(name)));
}
