/** Stable Diffusion's calls: what each needs, reads and makes, and which options it has beside the common ones. */
import type { CallSpec } from '../../call-table.ts';
import { commonOptions } from '../../common-options.ts';
import type { options } from './options.ts';

const common = [
  ...(Object.keys(commonOptions) as (keyof typeof commonOptions)[]),
  'width',
  'height',
  'guidanceRescale',
] as const;

/** Modes are named as in the other family: what is wished for is the same. */
export const calls = {
  t2i: {
    title: 'Drawing',
    verb: 'Draw',
    summary: 'draw pictures from a prompt',
    needs: [],
    takes: ['prompt'],
    makes: 'images',
    options: [...common],
  },
  i2t2i: {
    title: 'Variation',
    verb: 'Vary',
    summary: 'draw a picture anew, as far as the strength allows, as a prompt says',
    needs: [['image']],
    takes: ['image', 'prompt'],
    makes: 'images',
    options: [...common, 'strength'],
  },
  inpaint: {
    title: 'Inpainting',
    verb: 'Paint',
    summary: 'paint part of a picture anew; the rest stays exactly',
    needs: [['image']],
    takes: ['image', 'mask', 'prompt'],
    makes: 'images',
    options: [...common, 'strength'],
  },
} as const satisfies Record<string, CallSpec<keyof typeof options>>;

/** What a call of `StableDiffusion` did. */
export type StableDiffusionMode = keyof typeof calls;
