/** A picture as results carry it: RGB pixels that know how to become a file. */
import { encodeImage, type ImageFormat } from './codec.ts';
import { enlarge, type Pixels } from './pixels.ts';

export class Picture implements Pixels {
  readonly width: number;
  readonly height: number;
  /** Rows of RGB bytes. */
  readonly data: Uint8Array;

  constructor({ width, height, data }: Pixels) {
    this.width = width;
    this.height = height;
    this.data = data;
  }

  /** The bytes of a PNG file. */
  toPng(): Promise<Uint8Array> {
    return encodeImage(this, 'png');
  }

  /** The bytes of a file; WebP and JPEG use `quality` 1-100 (default 90). */
  encode(format: ImageFormat, quality?: number): Promise<Uint8Array> {
    return encodeImage(this, format, quality);
  }

  /** Every pixel repeated `factor` times each way: small pictures are easier to look at so. */
  enlarge(factor: number): Picture {
    return new Picture(enlarge(this, factor));
  }
}
