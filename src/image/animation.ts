/** Moving pictures: frames of one size as an animated WebP file. */
import { DuetError } from '../core/errors.ts';
import { loadSharp } from './codec.ts';
import type { Pixels } from './pixels.ts';

export interface AnimationOptions {
  /** Milliseconds of each frame. @default 120 */
  readonly delay?: number;
  /** Milliseconds of the first and the last frame. @default 700 */
  readonly endDelay?: number;
  /** 1-100. @default 90 */
  readonly quality?: number;
}

/** An endless WebP animation that runs there and back again. */
export async function encodeAnimation(frames: readonly Pixels[], options: AnimationOptions = {}): Promise<Uint8Array> {
  const { delay = 120, endDelay = 700, quality = 90 } = options;
  const [first] = frames;
  if (!first) throw new DuetError('invalid-argument', 'An animation needs at least one frame, got none');
  const { width, height } = first;
  if (frames.some(frame => frame.width !== width || frame.height !== height)) {
    throw new DuetError('invalid-image', 'The frames of an animation must have one size');
  }
  const back = frames.slice(1, -1).reverse();
  const pages = [...frames, ...back];
  const data = Buffer.concat(pages.map(frame => frame.data));
  const last = frames.length - 1;
  const sharp = await loadSharp();
  const raw = { width, height: height * pages.length, channels: 3 as const, pageHeight: height };
  const image = sharp(data, { raw });
  const delays = pages.map((_, index) => (index === 0 || index === last ? endDelay : delay));
  return new Uint8Array(await image.webp({ quality, delay: delays, loop: 0 }).toBuffer());
}
