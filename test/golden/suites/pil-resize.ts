/** Pillow's resizing, exact to the byte, and what networks are given that is made with it. */
import { cropSquare, type Pixels, type ResampleFilter, resample, toNetwork } from '../../../src/image/index.ts';
import { clipColours, visualInput } from '../../../src/pipelines/visual-input.ts';
import { type CaseResult, compare, compareExact } from '../compare.ts';
import { eachCase } from '../harness.ts';
import { readValues } from '../tensors.ts';

export const file = 'pil-resize.json';

interface Config {
  readonly op: string;
  readonly image: {
    readonly width: number;
    readonly height: number;
    readonly coef: readonly [number, number, number, number];
  };
  readonly filter: ResampleFilter;
  readonly out_width: number;
  readonly out_height: number;
  readonly size: number;
  readonly clip_size: number;
}

const configOf = (golden: { readonly config: unknown }) => golden.config as Config;

function sourceOf({ width, height, coef: [a, b, c, d] }: Config['image']) {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    return (a * x + b * y + c * (i % 3) + d * x * y) % 256;
  });
  return { width, height, data };
}

export const run = eachCase((golden): CaseResult[] => {
  const { op, image } = configOf(golden);
  const results = preparations[op]?.(sourceOf(image), configOf(golden));
  if (!results) throw new Error(`${golden.name}: ${op} is no preparation`);
  return Object.entries(golden.outputs).map(([name, expected]) => {
    const { data, isExact } = results[name]!;
    const title = `${golden.name} / ${name}`;
    return isExact
      ? compareExact(title, [...data], readValues(expected).data)
      : compare(title, { data }, expected, golden.tolerance);
  });
});

interface Prepared {
  readonly data: ArrayLike<number> & Iterable<number>;
  readonly isExact: boolean;
}

const bytes = ({ data }: Pixels): Prepared => ({ data, isExact: true });
const values = (data: Float32Array): Prepared => ({ data, isExact: false });

/** What each preparation makes of a picture, by the file's names. */
const preparations: Readonly<Record<string, (source: Pixels, config: Config) => Readonly<Record<string, Prepared>>>> = {
  resize: (source, { out_width: width, out_height: height, filter }) => ({
    pixels: bytes(resample(source, width, height, filter)),
  }),
  'clip-image-processor': (source, { size }) => ({
    pixel_values: values(visualInput(source, size, { fit: 'crop', filter: 'bicubic', ...clipColours })),
  }),
  'unidiffuser-preprocess': (source, { size, clip_size: clipSize }) => {
    const square = resample(cropSquare(source), size, size, 'lanczos');
    return {
      square: bytes(square),
      vae_input: values(toNetwork([square]).data as Float32Array),
      clip_pixels: bytes(resample(square, clipSize, clipSize, 'bicubic')),
      clip_input: values(visualInput(square, clipSize, { fit: 'stretch', filter: 'bicubic', ...clipColours })),
    };
  },
};
