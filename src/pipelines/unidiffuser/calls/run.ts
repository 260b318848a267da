/** The calls of the table by their mode: which method of the model each is, and how its inputs are passed to it. */
import { checkCall } from '../../call-table.ts';
import type { AnySample, CallInputs } from '../../pipeline.ts';
import type { UniDiffuser } from '../unidiffuser.ts';
import { options as schemas } from './options.ts';
import { valuesOf } from './requests.ts';
import { type CallMode, calls } from './table.ts';
import type { CallOptions, InpaintInput, PairInput, Result } from './types.ts';

/** The methods of `UniDiffuser` that are calls. */
export type CallMethods = Pick<
  UniDiffuser,
  'textToImage' | 'imageToText' | 'joint' | 'image' | 'text' | 'vary' | 'rephrase' | 'gibbs' | 'interpolate' | 'inpaint'
>;

type Run = (model: CallMethods, inputs: CallInputs, options: CallOptions) => Promise<Result<AnySample>>;

/** Inputs that a call needs are there: `runCall` sees to it. */
const runs: Record<CallMode, Run> = {
  t2i: (model, { prompt }, options) => model.textToImage(prompt!, options),
  i2t: (model, { image }, options) => model.imageToText(image!, options),
  joint: (model, _, options) => model.joint(options),
  i: (model, _, options) => model.image(options),
  t: (model, _, options) => model.text(options),
  i2t2i: (model, { image, prompt }, options) => model.vary(image!, { ...options, ...captionOf(prompt) }),
  t2i2t: (model, { prompt }, options) => model.rephrase(prompt!, options),
  gibbs: (model, { prompt, image }, options) => model.gibbs(pairOf(prompt, image), options),
  interpolate: (model, { prompt, image, prompt2, image2 }, options) =>
    model.interpolate(pairOf(prompt, image), pairOf(prompt2, image2), options),
  inpaint: (model, { prompt, image, mask }, options) =>
    model.inpaint({ ...pairOf(prompt, image), ...(mask !== undefined && { mask }) } satisfies InpaintInput, options),
};

/** @throws DuetError 'invalid-argument' naming the input or option at fault */
export async function runCall(
  model: CallMethods,
  mode: string,
  inputs: CallInputs,
  options: CallOptions,
): Promise<Result<AnySample>> {
  checkCall({ calls, options: schemas }, mode, inputs, valuesOf(options));
  return runs[mode as CallMode](model, inputs, options); // checkCall knows the mode
}

function captionOf(prompt: string | undefined): { readonly caption?: string } {
  return prompt === undefined || prompt.trim() === '' ? {} : { caption: prompt };
}

function pairOf(prompt: string | undefined, picture: CallInputs['image']): PairInput {
  return { ...captionOf(prompt), ...(picture !== undefined && { picture }) };
}
