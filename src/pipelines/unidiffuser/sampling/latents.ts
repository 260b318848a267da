/**
 * The three latents of a joint sample: z the image latent, c the CLIP image embedding, y the text latents. "Image" is the
 * pair (z, c), which shares one timestep.
 */
import { DuetError } from '../../../core/errors.ts';
import { sizeOf } from '../../../core/host-tensor.ts';
import { isMoving, type Modality, type Roles } from './modes.ts';

/** Flat, row-major values of one sample. */
export interface Latents {
  readonly z: Float32Array;
  readonly c: Float32Array;
  readonly y: Float32Array;
}

export type Part = keyof Latents;

/** Shapes of one sample without the batch, such as z [4, 64, 64], c [1, 512], y [77, 64]. */
export type LatentShapes = Readonly<Record<Part, readonly number[]>>;

export interface ImageLatents {
  readonly z: Float32Array;
  readonly c: Float32Array;
}

/** The latents of whichever modalities are there. */
export interface SampleLatents {
  readonly image?: ImageLatents;
  readonly text?: Float32Array;
}

/** In the order in which the original packs its state and draws its noise. */
export const parts = ['z', 'c', 'y'] as const satisfies readonly Part[];

export const modalityOf = { z: 'image', c: 'image', y: 'text' } as const satisfies Record<Part, Modality>;

export function mapParts<T>(f: (part: Part) => T): Record<Part, T> {
  return { z: f('z'), c: f('c'), y: f('y') };
}

/** One part of `latents`, if its modality is there. */
export function partOf(latents: SampleLatents | undefined, part: Part): Float32Array | undefined {
  return part === 'y' ? latents?.text : latents?.image?.[part];
}

/** The state of a solver, [z, c, y] as far as they are sampled or inverted, and the way back. */
export interface Packing {
  readonly parts: readonly Part[];
  pack(latents: Latents): Float32Array;
  /** Views into `x`; empty for parts that are not in it. */
  unpack(x: Float32Array): Latents;
  /** The modalities of `x`, copied. */
  sampled(x: Float32Array): SampleLatents;
}

export function packingOf(shapes: LatentShapes, roles: Roles): Packing {
  const sampledParts = parts.filter(part => isMoving(roles[modalityOf[part]]));
  const sizes = mapParts(part => (sampledParts.includes(part) ? sizeOf(shapes[part]) : 0));
  const ends = { z: sizes.z, c: sizes.z + sizes.c, y: sizes.z + sizes.c + sizes.y };
  const view = (x: Float32Array, part: Part) => x.subarray(ends[part] - sizes[part], ends[part]);
  return {
    parts: sampledParts,
    pack(latents) {
      const x = new Float32Array(ends.y);
      for (const part of sampledParts) view(x, part).set(latents[part]);
      return x;
    },
    unpack: x => mapParts(part => view(x, part)),
    sampled: x => ({
      ...(isMoving(roles.image) ? { image: { z: view(x, 'z').slice(), c: view(x, 'c').slice() } } : {}),
      ...(isMoving(roles.text) ? { text: view(x, 'y').slice() } : {}),
    }),
  };
}

/** The parts of whichever modalities are there; the others are empty. */
export function partsOf(latents: SampleLatents): Latents {
  return mapParts(part => partOf(latents, part) ?? new Float32Array(0));
}

/** Throws unless every part that is there has the size of its shape. */
export function checkLatents(what: string, latents: SampleLatents | undefined, shapes: LatentShapes): void {
  for (const part of parts) {
    const values = partOf(latents, part);
    if (!values || values.length === sizeOf(shapes[part])) continue;
    const shape = `[${shapes[part].join(', ')}]`;
    throw new DuetError('invalid-argument', `${what}.${part} must fill ${shape}, got ${values.length} values`);
  }
}
