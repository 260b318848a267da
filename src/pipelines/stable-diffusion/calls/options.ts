/** The options of Stable Diffusion's calls: each once, with its limits. */
import Type from 'typebox';
import type { OptionValues } from '../../call-table.ts';
import { commonOptions, modelsOwn } from '../../common-options.ts';

const side = (name: string, standard: string) =>
  Type.Integer({
    minimum: 8,
    maximum: 2048,
    multipleOf: 8,
    ...modelsOwn,
    description: `${name} of the pictures in pixels; by default ${standard}`,
  });

const standardSide = "the model's, or of a picture given its own";

export const ownOptions = {
  width: side('width', standardSide),
  height: side('height', standardSide),
  strength: Type.Number({
    minimum: 0,
    maximum: 1,
    ...modelsOwn,
    description: 'how much of the picture may change, from 0 to 1; 1 keeps nothing of it',
  }),
  /** Lin et al., arXiv 2305.08891, section 3.4; 0.7 there. */
  guidanceRescale: Type.Number({
    minimum: 0,
    maximum: 1,
    default: 0,
    description: 'how far to take back the contrast that guidance adds; 0 is off',
  }),
} as const;

export const options = { ...commonOptions, ...ownOptions } as const;

export type Options = OptionValues<typeof options>;
