/** The rows of the chat families in the table of families. */
import type { Family } from '../family.ts';
import type { CallDefaults, ModelDescription } from '../pipeline.ts';
import { defaultsOf } from '../stable-diffusion/defaults.ts';
import { parseStableDiffusion } from '../stable-diffusion/model-config.ts';
import { standards } from '../unidiffuser/calls/options.ts';
import { defaultsOf as uvitDefaults } from '../unidiffuser/calls/requests.ts';
import { chatStandards, drawingOptions, options, textOptions } from './calls/options.ts';
import { drawingCalls, wordCalls } from './calls/table.ts';
import type { ChatFiles } from './chat-files.ts';
import { ChatModel } from './chat-model.ts';
import { packMiniGpt5 } from './minigpt5/pack-folder.ts';

const load = ChatModel.load.bind(ChatModel);
const describe: Family['describe'] = (files, origin) => describeFiles(files as ChatFiles, origin); // what find-model.ts read

export const minigpt5: Family<ChatModel> = { calls: drawingCalls, options, describe, load, pack: packMiniGpt5 };
export const llava: Family<ChatModel> = { calls: wordCalls, options: textOptions, describe, load };

function describeFiles(files: ChatFiles, origin: string): ModelDescription {
  const { maxTokens, priority } = chatStandards;
  if (files.family === 'llava') {
    const defaults = { chat: { maxTokens, priority } };
    const dialogue = { sees: true, draws: false };
    return {
      family: 'llava',
      name: files.name,
      calls: wordCalls,
      options: textOptions,
      defaults,
      dialogue,
      examples: [],
    };
  }
  const { config, diffusion } = files;
  const drawn = drawnBy(diffusion, origin);
  const defaults: CallDefaults = {
    ...drawn,
    width: drawn.imageSize,
    height: drawn.imageSize,
    ...config.drawing,
    ...chatStandards,
  };
  const { imageSize } = drawn;
  return {
    family: 'minigpt5',
    name: config.name,
    imageSize,
    calls: drawingCalls,
    options,
    defaults: { chat: withoutOthers(defaults) },
    dialogue: { sees: config.frontEnd !== undefined, draws: true },
    examples: [],
  };
}

/** The side of its pictures, and how it draws where nothing else is asked for. */
function drawnBy(diffusion: Extract<ChatFiles, { family: 'minigpt5' }>['diffusion'], origin: string) {
  if ('components' in diffusion) {
    const config = parseStableDiffusion(diffusion, origin);
    return { ...defaultsOf('t2i', config, origin), imageSize: config.imageSize };
  }
  const drawing = diffusion.unet ? { ...standards, ...diffusion.unet.sampling } : uvitDefaults('t2i', diffusion);
  return { ...drawing, guidanceRescale: 0, imageSize: diffusion.imageSize };
}

/** Of the options that an answer has. */
function withoutOthers(defaults: CallDefaults): CallDefaults {
  const names = [...Object.keys(textOptions), ...Object.keys(drawingOptions)];
  return Object.fromEntries(Object.entries(defaults).filter(([name]) => names.includes(name)));
}
