/** The options of UniDiffuser's calls: each once, with its limits. Everything that names an option derives from here. */
import Type from 'typebox';
import type { OptionValues } from '../../call-table.ts';
import { commonOptions, commonStandards, modelsOwn } from '../../common-options.ts';

const orders = ['together', 'text-first'] as const;
const networks = ['unet', 'uvit'] as const;

/** The values of options that neither the caller nor the model gives. */
export const standards = {
  ...commonStandards,
  rounds: 4,
  frames: 8,
  strength: 1,
} as const;

/** What only some calls take. */
export const ownOptions = {
  /** Picture and caption at once, or the caption first, which takes twice as many steps. */
  order: Type.Enum([...orders], {
    title: 'Order',
    ...modelsOwn,
    description: 'picture and caption at once, or the caption first',
  }),
  /** What draws pictures of captions, in models that have both. */
  network: Type.Enum([...networks], {
    title: 'Network',
    'x-titles': { unet: 'U-Net', uvit: 'U-ViT' },
    ...modelsOwn,
    description: 'what draws pictures of captions: the U-Net, of models that have one, or the U-ViT alone',
  }),
  /** How often caption and picture are drawn again from one another. */
  rounds: Type.Integer({
    title: 'Rounds',
    minimum: 1,
    maximum: 1000,
    default: standards.rounds,
    description: 'how often picture and caption are drawn again from one another',
  }),
  /** Samples from one end to the other, both included. */
  frames: Type.Integer({
    title: 'Frames',
    minimum: 2,
    maximum: 256,
    default: standards.frames,
    description: 'pictures from one end to the other, both included',
  }),
  /** How much may change: 0 gives the autoencoder's copy of the picture, 1 keeps nothing of it. */
  strength: Type.Number({
    title: 'Strength',
    minimum: 0,
    maximum: 1,
    default: standards.strength,
    description: 'how much of the picture may change, from 0 to 1; 1 keeps nothing of it',
  }),
} as const;

export const options = { ...commonOptions, ...ownOptions } as const;

export type OwnOptions = OptionValues<typeof ownOptions>;

/** The networks that draw pictures. */
export type NetworkChoice = (typeof networks)[number];

/**
 * How a picture is imagined, alone or with its caption: at once, as UniDiffuser's modes joint and image have it, or its
 * caption first and then the picture of just that caption, as `textToImage` draws it with the same seed. Both sample one
 * distribution, p(x, y) = p(y) p(x | y) or its marginal; a small network may be better at the one or the other.
 */
export type ImagineOrder = (typeof orders)[number];
