/** The picture and the mask that a call is given, at the size that is drawn. */
import { DuetError } from '../../../core/errors.ts';
import {
  coverImage,
  coverMask,
  type DecodeOptions,
  decodeImage,
  decodeMask,
  decodeTransparency,
  fetchIfRemote,
  type ImageInput,
  inDecodeSlot,
  type Mask,
  type Pixels,
  type Size,
  toNetwork,
} from '../../../image/index.ts';
import type { PictureValues } from '../networks/networks.ts';

/** A picture without a size asked for keeps its own, unless it has more pixels than this many of the model's pictures. */
const mostOwnPictures = 4;

export interface GivenPicture {
  readonly pixels: Pixels;
  readonly mask: Mask | undefined;
}

/** Sizes that may be drawn. */
export interface SizeRules {
  /** What sides are multiples of. */
  readonly multipleOf: number;
  /** Side of the pictures that the model was trained on. */
  readonly imageSize: number;
  /** What the call asks for. */
  readonly width: number | undefined;
  readonly height: number | undefined;
}

/**
 * @param repaints whether a mask says what to paint anew: `mask`, or else the picture's own transparency
 * @throws DuetError 'invalid-image' | 'invalid-argument'
 */
export async function readGivenPicture(
  { picture, mask }: { readonly picture: ImageInput; readonly mask?: ImageInput | undefined },
  repaints: boolean,
  rules: SizeRules,
  options: DecodeOptions,
): Promise<GivenPicture> {
  const local = await fetchIfRemote(picture, options);
  const localMask = mask === undefined ? undefined : await fetchIfRemote(mask, options);
  return inDecodeSlot(async () => {
    const whole = await decodeImage(local, options);
    const size = sizeOfDrawing(whole, rules);
    const pixels = await coverImage(whole, size);
    if (!repaints) return { pixels, mask: undefined };
    const raw = localMask ? await decodeMask(localMask, options) : await decodeTransparency(local, options);
    const own = raw && coverMask(raw, whole, size);
    if (own?.repaint.includes(1)) return { pixels, mask: own };
    throw new DuetError(
      'invalid-argument',
      raw
        ? 'The mask keeps all of the picture; make transparent or white what to repaint'
        : 'Nothing says what to repaint; give a mask, or a picture with transparent parts',
      { field: 'mask' },
    );
  });
}

/** The size asked for; else the picture's own, cut to multiples, or smaller if it is large. One side alone means both. */
function sizeOfDrawing(picture: Size, { multipleOf, imageSize, width, height }: SizeRules): Size {
  if (width !== undefined || height !== undefined) return { width: width ?? height!, height: height ?? width! };
  const area = picture.width * picture.height;
  const scale = area > mostOwnPictures * imageSize ** 2 ? imageSize / Math.sqrt(area) : 1;
  const side = (pixels: number) => Math.max(multipleOf, Math.floor((pixels * scale) / multipleOf) * multipleOf);
  return { width: side(picture.width), height: side(picture.height) };
}

/** A picture's values in [-1, 1]. */
export function valuesOfPicture(pixels: Pixels): PictureValues {
  return { data: toNetwork([pixels]).data as Float32Array, height: pixels.height, width: pixels.width };
}

/** The values of what stays: where it is painted anew there is the middle of the range, 0. */
export function withoutMasked({ data, height, width }: PictureValues, { repaint }: Mask): PictureValues {
  return { data: data.map((value, i) => (repaint[i % repaint.length] ? 0 : value)), height, width };
}

/** The mask of a latent picture, 1 where it is painted anew: that of each cell's first pixel, as diffusers resizes it. */
export function latentMask({ repaint, width, height }: Mask, reduction: number): Float32Array {
  const [columns, rows] = [width / reduction, height / reduction];
  return Float32Array.from({ length: rows * columns }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    return repaint[(row * width + column) * reduction]!;
  });
}
