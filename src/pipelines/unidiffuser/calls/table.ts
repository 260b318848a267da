/** UniDiffuser's calls: what each needs, reads and makes, and which options it has beside the common ones. */
import type { CallSpec } from '../../call-table.ts';
import { commonOptions } from '../../common-options.ts';
import type { options } from './options.ts';

const common = Object.keys(commonOptions) as readonly (keyof typeof commonOptions)[];

export const calls = {
  t2i: {
    title: 'Drawing',
    verb: 'Draw',
    summary: 'draw pictures from a caption',
    needs: [['prompt']],
    takes: ['prompt'],
    makes: 'images',
    options: [...common, 'network'],
  },
  i2t: {
    title: 'Description',
    verb: 'Describe',
    summary: 'describe a picture',
    needs: [['image']],
    takes: ['image'],
    makes: 'captions',
    options: [...common],
    withoutEffect: ['negativePrompt'],
  },
  joint: {
    title: 'Pair',
    verb: 'Imagine',
    summary: 'imagine pictures together with their captions',
    needs: [],
    takes: [],
    makes: 'pairs',
    options: [...common, 'order', 'network'],
  },
  i: {
    title: 'Picture',
    verb: 'Imagine',
    summary: 'imagine pictures',
    needs: [],
    takes: [],
    makes: 'images',
    options: [...common, 'order', 'network'],
  },
  t: {
    title: 'Caption',
    verb: 'Imagine',
    summary: 'imagine captions',
    needs: [],
    takes: [],
    makes: 'captions',
    options: [...common],
    withoutEffect: ['guidance', 'negativePrompt'],
  },
  i2t2i: {
    title: 'Variation',
    verb: 'Vary',
    summary: 'draw variations of a picture, by way of its description or of a caption',
    needs: [['image']],
    takes: ['image', 'prompt'],
    makes: 'images',
    options: [...common, 'strength', 'network'],
  },
  t2i2t: {
    title: 'Paraphrase',
    verb: 'Rephrase',
    summary: 'say a caption in other words, by way of a picture of it',
    needs: [['prompt']],
    takes: ['prompt'],
    makes: 'pairs',
    options: [...common],
  },
  gibbs: {
    title: 'Chain',
    verb: 'Imagine',
    summary: 'draw picture and caption from one another in turns, and show the whole chain',
    needs: [],
    takes: ['prompt', 'image'],
    makes: 'pairs',
    options: [...common, 'rounds'],
  },
  interpolate: {
    title: 'Interpolation',
    verb: 'Mix',
    summary: 'lead from one picture or caption to another',
    needs: [
      ['prompt', 'image'],
      ['prompt2', 'image2'],
    ],
    takes: ['prompt', 'image', 'prompt2', 'image2'],
    makes: 'images',
    options: [...common, 'frames'],
  },
  inpaint: {
    title: 'Inpainting',
    verb: 'Paint',
    summary: 'fill in part of a picture, or the gaps of a caption; the rest stays exactly',
    needs: [['image', 'prompt']],
    takes: ['image', 'mask', 'prompt'],
    makes: 'images',
    options: [...common, 'strength', 'network'],
    optionNeeds: { strength: 'image' },
  },
} as const satisfies Record<string, CallSpec<keyof typeof options>>;

/** What a call of `UniDiffuser` did. */
export type CallMode = keyof typeof calls;
