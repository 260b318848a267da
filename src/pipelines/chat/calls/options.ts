/** The options of an answer in a dialogue: each once, with its limits. */
import Type from 'typebox';
import type { OptionValues } from '../../call-table.ts';
import { commonOptions, modelsOwn, mostSamples } from '../../common-options.ts';
import { ownOptions as drawing } from '../../stable-diffusion/calls/options.ts';

const { seed, priority, steps, guidance, solver, noiseSchedule, previewEvery } = commonOptions;
const { width, height, guidanceRescale } = drawing;

/** The values of options that neither the caller nor the model gives. */
export const chatStandards = { maxTokens: 256, draw: 'auto', maxImages: 8, priority: 0 } as const;

/** How the words are chosen. */
export const textOptions = {
  seed: Type.Integer({
    ...seed,
    description: 'seed of the words; picture i, from 0, is drawn from seed + i; drawn if absent',
  }),
  maxTokens: Type.Integer({
    title: 'Most tokens',
    minimum: 1,
    maximum: 1_000_000,
    default: chatStandards.maxTokens,
    description: 'most tokens to write; what the model cannot read any more ends the answer too',
  }),
  temperature: Type.Number({
    title: 'Temperature',
    minimum: 0,
    maximum: 10,
    ...modelsOwn,
    description:
      'how freely words are chosen: 0 takes the most probable token each time, 1 is as the model was trained',
  }),
  topK: Type.Integer({
    title: 'Top k',
    minimum: 0,
    maximum: 1_000_000,
    ...modelsOwn,
    description: 'only so many of the most probable tokens count; 0: all do',
  }),
  topP: Type.Number({
    title: 'Top p',
    exclusiveMinimum: 0,
    maximum: 1,
    ...modelsOwn,
    description: 'only the most probable tokens that together have this probability count',
  }),
  minP: Type.Number({
    title: 'Min p',
    minimum: 0,
    maximum: 1,
    ...modelsOwn,
    description: 'only tokens count that are at least this times as probable as the most probable',
  }),
  repetitionPenalty: Type.Number({
    title: 'Repetition penalty',
    exclusiveMinimum: 0,
    maximum: 10,
    ...modelsOwn,
    description: 'above 1 discourages tokens that were there before',
  }),
  stop: Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
    title: 'Stop',
    maxItems: 16,
    description: 'texts before which the answer ends',
  }),
  priority,
} as const;

/** How the words are searched for, in models that answer in words alone: vokens have no place in a search. */
const beamOptions = {
  beams: Type.Integer({
    title: 'Beams',
    minimum: 1,
    maximum: 16,
    ...modelsOwn,
    description:
      'searches for the most probable answer with so many beams, in place of choosing token by token; its words come when it is found',
  }),
  lengthPenalty: Type.Number({
    title: 'Length penalty',
    minimum: -10,
    maximum: 10,
    ...modelsOwn,
    description: 'of beams: above 0 favours long answers, below 0 short ones',
  }),
} as const;

export const wordOptions = { ...textOptions, ...beamOptions } as const;

/** How pictures of the answer come about. */
export const drawingOptions = {
  draw: Type.Enum(['auto', 'always', 'never'], {
    title: 'Pictures',
    default: chatStandards.draw,
    description: 'whether the answer has pictures: as the model chooses, one at its beginning at least, or none',
  }),
  maxImages: Type.Integer({
    title: 'Most pictures',
    minimum: 0,
    maximum: mostSamples,
    default: chatStandards.maxImages,
    description: 'most pictures of the answer',
  }),
  steps,
  guidance,
  solver,
  noiseSchedule,
  width,
  height,
  guidanceRescale,
  previewEvery,
} as const;

export const options = { ...textOptions, ...drawingOptions } as const;

/** What an answer may be asked for. */
export type ChatCallOptions = OptionValues<typeof options & typeof wordOptions>;
